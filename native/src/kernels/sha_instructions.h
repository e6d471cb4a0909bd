// SPDX-License-Identifier: MIT
// SHA-1 and SHA-256 with the processor's own instructions (SHA-NI), a few pages at a time: what the
// two have in common.
//
// Each instruction waits four cycles for the one before it, but the unit can start one every cycle
// or two. Interleaving a few pages keeps it busy. With AVX-512, lanes are as fast or faster.
#ifndef FAKEDIRTY_SRC_KERNELS_SHA_INSTRUCTIONS_H_
#define FAKEDIRTY_SRC_KERNELS_SHA_INSTRUCTIONS_H_

#if !defined(__x86_64__)
#define FAKEDIRTY_SHA_INSTRUCTIONS 0
#else
#define FAKEDIRTY_SHA_INSTRUCTIONS 1

#include <immintrin.h>

#include "src/kernels/digest_padding.h"
#include "src/kernels/kernel.h"
#include "src/simd/bytes.h"

// Lets the functions that are marked with it, and no others, use the instructions.
#define FAKEDIRTY_SHA __attribute__((target("sha,sse4.1,ssse3")))
#define FAKEDIRTY_SHA_INLINE FAKEDIRTY_SHA __attribute__((always_inline)) inline

namespace fakedirty {

FAKEDIRTY_SHA_INLINE __m128i Load128(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

FAKEDIRTY_SHA_INLINE void Store128(uint8_t* to, __m128i v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), v);
}

template <class State, size_t kPages, int kGroup = 0>
FAKEDIRTY_SHA_INLINE void AllSteps(State& state, __m128i (&previous)[kPages]) {
  if constexpr (kGroup < State::kGroups) {
    for (size_t page = 0; page < kPages; ++page) {
      state.template Steps<kGroup>(page, previous[page]);
    }
    AllSteps<State, kPages, kGroup + 1>(state, previous);
  }
}

// Hashes kPages pages.
template <class State, size_t kPages>
FAKEDIRTY_SHA void HashAtOnce(size_t page_size, const uint8_t* const* pages, uint8_t* digests) {
  const PaddingBytes padding(page_size);
  State state;
  for (size_t page = 0; page < kPages; ++page) state.Start(page);
  for (size_t offset = 0; offset <= page_size; offset += 64) {
    __m128i abcd_before[kPages], e_before[kPages], previous[kPages];
    for (size_t page = 0; page < kPages; ++page) {
      const uint8_t* const block = offset < page_size ? pages[page] + offset : padding.bytes;
      for (size_t i = 0; i < 4; ++i) {
        state.words[page][i] = _mm_shuffle_epi8(Load128(block + 16 * i), State::Order());
      }
      previous[page] = abcd_before[page] = state.abcd[page];
      e_before[page] = state.e[page];
    }
    AllSteps<State, kPages>(state, previous);
    for (size_t page = 0; page < kPages; ++page) {
      state.Add(page, abcd_before[page], e_before[page], previous[page]);
    }
  }
  for (size_t page = 0; page < kPages; ++page) {
    state.Write(page, digests + page * State::kDigestBytes);
  }
}

template <template <size_t> class State, size_t kPages>
void ShaInterleaved(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                    uint8_t* digests) {
  constexpr size_t kDigestBytes = State<1>::kDigestBytes;
  for (; count >= kPages; count -= kPages, pages += kPages, digests += kPages * kDigestBytes) {
    HashAtOnce<State<kPages>, kPages>(parameters.page_size, pages, digests);
  }
  for (; count > 0; --count, ++pages, digests += kDigestBytes) {
    HashAtOnce<State<1>, 1>(parameters.page_size, pages, digests);
  }
}

}  // namespace fakedirty
#endif  // __x86_64__

#endif  // FAKEDIRTY_SRC_KERNELS_SHA_INSTRUCTIONS_H_
