// SPDX-License-Identifier: MIT
// The last block of an MD5, SHA-1 or SHA-256. Pages are whole blocks, so it holds no page bytes.
#ifndef FAKEDIRTY_SRC_KERNELS_DIGEST_PADDING_H_
#define FAKEDIRTY_SRC_KERNELS_DIGEST_PADDING_H_

#include "src/simd/bytes.h"

namespace fakedirty {

// As numbers: whoever reads big-endian words must not swap these.
struct PaddingBlock {
  constexpr PaddingBlock(size_t page_size, bool big_endian) : words() {
    const uint32_t bits = static_cast<uint32_t>(page_size * 8);
    words[0] = big_endian ? 0x80000000u : 0x80u;
    words[big_endian ? 15 : 14] = bits;
  }
  uint32_t words[16];
};

// As bytes, big-endian: like a block of a page.
struct PaddingBytes {
  explicit PaddingBytes(size_t page_size) {
    const PaddingBlock padding(page_size, true);
    for (size_t i = 0; i < 16; ++i) StoreBig(bytes + 4 * i, padding.words[i]);
  }
  uint8_t bytes[64];
};

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_KERNELS_DIGEST_PADDING_H_
