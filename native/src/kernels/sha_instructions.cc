// SPDX-License-Identifier: MIT
// SHA-1 and SHA-256 with the processor's own instructions (SHA-NI), a few pages at a time.
//
// A step waits four cycles for the one before, while the unit could start one every cycle or two:
// pages that take turns keep it busy. With AVX-512, lanes are as fast or faster.
#include "src/kernels/digest_padding.h"
#include "src/kernels/sha1.h"
#include "src/kernels/sha256.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Lets the functions here, and only these, use the instructions.
#define FAKEDIRTY_SHA __attribute__((target("sha,sse4.1,ssse3")))
#define FAKEDIRTY_SHA_INLINE FAKEDIRTY_SHA __attribute__((always_inline)) inline

namespace fakedirty {
namespace {

FAKEDIRTY_SHA_INLINE __m128i Load(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

FAKEDIRTY_SHA_INLINE void Store(uint8_t* to, __m128i v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), v);
}

// Words that are numbers already, made to look like page bytes again.
struct PaddingBytes {
  explicit PaddingBytes(size_t page_size) {
    const PaddingBlock padding(page_size, true);
    for (size_t i = 0; i < 16; ++i) StoreBig(bytes + 4 * i, padding.words[i]);
  }
  uint8_t bytes[64];
};

template <size_t kPages>
struct Sha1State {
  __m128i abcd[kPages], e[kPages];  // a, and e, in the highest lane
  __m128i words[kPages][4];         // the last sixteen words of the schedule

  static constexpr size_t kDigestBytes = 20;
  static constexpr int kGroups = 20;  // of four steps

  FAKEDIRTY_SHA_INLINE static __m128i Order() {
    return _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
  }

  FAKEDIRTY_SHA_INLINE void Start(size_t page) {
    const auto word = [](size_t i) { return static_cast<int>(kSha1Initial[i]); };
    abcd[page] = _mm_set_epi32(word(0), word(1), word(2), word(3));
    e[page] = _mm_set_epi32(word(4), 0, 0, 0);
  }

  template <int kGroup>
  FAKEDIRTY_SHA_INLINE void Steps(size_t page, __m128i& before) {
    constexpr int i = kGroup % 4;
    __m128i(&w)[4] = words[page];
    if constexpr (kGroup >= 4) {
      const __m128i early = _mm_sha1msg1_epu32(w[i], w[(i + 1) % 4]);
      w[i] = _mm_sha1msg2_epu32(_mm_xor_si128(early, w[(i + 2) % 4]), w[(i + 3) % 4]);
    }
    const __m128i sum = kGroup ? _mm_sha1nexte_epu32(before, w[i]) : _mm_add_epi32(e[page], w[i]);
    before = abcd[page];
    abcd[page] = _mm_sha1rnds4_epu32(abcd[page], sum, kGroup / 5);
  }

  FAKEDIRTY_SHA_INLINE void Add(size_t page, __m128i abcd_then, __m128i e_then, __m128i before) {
    abcd[page] = _mm_add_epi32(abcd[page], abcd_then);
    e[page] = _mm_sha1nexte_epu32(before, e_then);
  }

  FAKEDIRTY_SHA_INLINE void Write(size_t page, uint8_t* digest) const {
    Store(digest, _mm_shuffle_epi8(abcd[page], Order()));
    StoreBig(digest + 16, static_cast<uint32_t>(_mm_extract_epi32(e[page], 3)));
  }
};

template <size_t kPages>
struct Sha256State {
  __m128i abcd[kPages], e[kPages];  // in truth a b e f and c d g h, from the highest lane down
  __m128i words[kPages][4];

  static constexpr size_t kDigestBytes = 32;
  static constexpr int kGroups = 16;

  FAKEDIRTY_SHA_INLINE static __m128i Order() {
    return _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  }

  FAKEDIRTY_SHA_INLINE void Start(size_t page) {
    const auto word = [](size_t i) { return static_cast<int>(kSha256Initial[i]); };
    abcd[page] = _mm_set_epi32(word(0), word(1), word(4), word(5));
    e[page] = _mm_set_epi32(word(2), word(3), word(6), word(7));
  }

  template <int kGroup>
  FAKEDIRTY_SHA_INLINE void Steps(size_t page, __m128i&) {
    constexpr int i = kGroup % 4;
    __m128i(&w)[4] = words[page];
    if constexpr (kGroup >= 4) {
      const __m128i early = _mm_sha256msg1_epu32(w[i], w[(i + 1) % 4]);
      const __m128i middle = _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4);
      w[i] = _mm_sha256msg2_epu32(_mm_add_epi32(early, middle), w[(i + 3) % 4]);
    }
    const __m128i sum = _mm_add_epi32(w[i], Load(kSha256Constants + 4 * kGroup));
    e[page] = _mm_sha256rnds2_epu32(e[page], abcd[page], sum);
    abcd[page] = _mm_sha256rnds2_epu32(abcd[page], e[page], _mm_shuffle_epi32(sum, 0x0E));
  }

  FAKEDIRTY_SHA_INLINE void Add(size_t page, __m128i abcd_then, __m128i e_then, __m128i) {
    abcd[page] = _mm_add_epi32(abcd[page], abcd_then);
    e[page] = _mm_add_epi32(e[page], e_then);
  }

  FAKEDIRTY_SHA_INLINE void Write(size_t page, uint8_t* digest) const {
    const __m128i ab_ef = _mm_shuffle_epi32(abcd[page], 0x1B);
    const __m128i cd_gh = _mm_shuffle_epi32(e[page], 0x1B);
    Store(digest, _mm_shuffle_epi8(_mm_unpacklo_epi64(ab_ef, cd_gh), Order()));
    Store(digest + 16, _mm_shuffle_epi8(_mm_unpackhi_epi64(ab_ef, cd_gh), Order()));
  }
};

template <class State, size_t kPages, int kGroup = 0>
FAKEDIRTY_SHA_INLINE void AllSteps(State& state, __m128i (&before)[kPages]) {
  if constexpr (kGroup < State::kGroups) {
    for (size_t page = 0; page < kPages; ++page) {
      state.template Steps<kGroup>(page, before[page]);
    }
    AllSteps<State, kPages, kGroup + 1>(state, before);
  }
}

template <class State, size_t kPages>
FAKEDIRTY_SHA void HashSome(size_t page_size, const uint8_t* const* pages, uint8_t* digests) {
  const PaddingBytes padding(page_size);
  State state;
  for (size_t page = 0; page < kPages; ++page) state.Start(page);
  for (size_t offset = 0; offset <= page_size; offset += 64) {
    __m128i abcd[kPages], e[kPages], before[kPages];
    for (size_t page = 0; page < kPages; ++page) {
      const uint8_t* const block = offset < page_size ? pages[page] + offset : padding.bytes;
      for (size_t i = 0; i < 4; ++i) {
        state.words[page][i] = _mm_shuffle_epi8(Load(block + 16 * i), State::Order());
      }
      before[page] = abcd[page] = state.abcd[page];
      e[page] = state.e[page];
    }
    AllSteps<State, kPages>(state, before);
    for (size_t page = 0; page < kPages; ++page) {
      state.Add(page, abcd[page], e[page], before[page]);
    }
  }
  for (size_t page = 0; page < kPages; ++page) {
    state.Write(page, digests + page * State::kDigestBytes);
  }
}

template <template <size_t> class State, size_t kPages>
void HashInTurns(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                 uint8_t* digests) {
  constexpr size_t kDigestBytes = State<1>::kDigestBytes;
  for (; count >= kPages; count -= kPages, pages += kPages, digests += kPages * kDigestBytes) {
    HashSome<State<kPages>, kPages>(parameters.page_size, pages, digests);
  }
  for (; count > 0; --count, ++pages, digests += kDigestBytes) {
    HashSome<State<1>, 1>(parameters.page_size, pages, digests);
  }
}

}  // namespace

void Sha1Instructions(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                      uint8_t* digests, const uint8_t*) {
  HashInTurns<Sha1State, 2>(parameters, pages, count, digests);
}

void Sha256Instructions(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                        uint8_t* digests, const uint8_t*) {
  HashInTurns<Sha256State, 3>(parameters, pages, count, digests);
}

}  // namespace fakedirty
#endif  // __x86_64__
