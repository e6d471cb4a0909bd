// SPDX-License-Identifier: MIT
// The last block of an MD5, SHA-1 or SHA-256: pages are whole blocks, so it holds no page bytes.
#ifndef FAKEDIRTY_SRC_KERNELS_DIGEST_PADDING_H_
#define FAKEDIRTY_SRC_KERNELS_DIGEST_PADDING_H_

#include <stddef.h>
#include <stdint.h>

namespace fakedirty {

struct PaddingBlock {
  constexpr PaddingBlock(size_t page_size, bool big_endian) : words() {
    const uint32_t bits = static_cast<uint32_t>(page_size * 8);
    words[0] = big_endian ? 0x80000000u : 0x80u;
    words[big_endian ? 15 : 14] = bits;
  }
  uint32_t words[16];  // as numbers: a reader of big-endian words must not swap them again
};

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_KERNELS_DIGEST_PADDING_H_
