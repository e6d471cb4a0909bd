// SPDX-License-Identifier: MIT
// SHA-1 and SHA-256 in plain C++, page by page: what the two have in common.
#ifndef FAKEDIRTY_SRC_KERNELS_SHA_PLAIN_H_
#define FAKEDIRTY_SRC_KERNELS_SHA_PLAIN_H_

#include "src/kernels/digest_padding.h"
#include "src/kernels/kernel.h"
#include "src/simd/bytes.h"

namespace fakedirty {

// State has: kDigestBytes, Compress(block) and Write(digest); it starts as the algorithm does.
template <class State>
inline void ShaPlain(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                     uint8_t* digests) {
  const PaddingBytes padding(parameters.page_size);
  for (size_t page = 0; page < count; ++page, digests += State::kDigestBytes) {
    State state;
    for (size_t offset = 0; offset < parameters.page_size; offset += 64) {
      state.Compress(pages[page] + offset);
    }
    state.Compress(padding.bytes);
    state.Write(digests);
  }
}

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_KERNELS_SHA_PLAIN_H_
