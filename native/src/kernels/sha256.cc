// SPDX-License-Identifier: MIT
// SHA-256 (FIPS 180-4): many pages in lanes, a few with the processor's SHA instructions, or page
// by page in plain C++.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/sha256.cc"
#include "src/simd/vector.h"
// vector.h must come first.
#include "src/kernels/sha256.h"

#if FAKEDIRTY_VECTOR
#include "src/kernels/digest_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Sha256Lanes {
  static constexpr size_t kSets = 1;  // one set has enough independent work
  static constexpr size_t kWords = 8;
  static constexpr bool kBigEndian = true;
  static constexpr const uint32_t (&kInitial)[kWords] = kSha256Initial;
  using Order = BytesSwapped;

  template <int kFirst, int kSecond, int kThird>
  static HWY_INLINE V32 Rotations(V32 v) {
    return Xor3(hn::RotateRight<kFirst>(v), hn::RotateRight<kSecond>(v),
                hn::RotateRight<kThird>(v));
  }

  template <int kFirst, int kSecond, int kShift>
  static HWY_INLINE V32 RotationsAndShift(V32 v) {
    return Xor3(hn::RotateRight<kFirst>(v), hn::RotateRight<kSecond>(v), hn::ShiftRight<kShift>(v));
  }

  template <class NextBlock, size_t kStep = 0>
  static HWY_INLINE void Steps(V32 a, V32 b, V32 c, V32 d, V32 e, V32 f, V32 g, V32 h, V32 (&w)[16],
                               V32 (&state)[kWords], const uint32_t* constants,
                               const NextBlock& next_block) {
    if constexpr (kStep < 64) {
      next_block.template LoadPart<kStep, 64>();
      constexpr size_t i = kStep % 16;
      if constexpr (kStep >= 16) {
        w[i] = hn::Add(hn::Add(w[i], RotationsAndShift<7, 18, 3>(w[(i + 1) % 16])),
                       hn::Add(w[(i + 9) % 16], RotationsAndShift<17, 19, 10>(w[(i + 14) % 16])));
      }
      const V32 early_sum = Pin(hn::Add(hn::Add(h, hn::Set(D32(), constants[kStep])), w[i]));
      const V32 first = hn::Add(hn::Add(early_sum, Choose(e, f, g)), Rotations<6, 11, 25>(e));
      const V32 second = hn::Add(Rotations<2, 13, 22>(a), Majority(a, b, c));
      Steps<NextBlock, kStep + 1>(hn::Add(first, second), a, b, c, hn::Add(d, first), e, f, g, w,
                                  state, constants, next_block);
    } else {
      const V32 after[kWords] = {a, b, c, d, e, f, g, h};
      for (size_t i = 0; i < kWords; ++i) state[i] = hn::Add(state[i], after[i]);
    }
  }

  template <size_t kSets, class NextBlock>
  static HWY_INLINE void Compress(V32 (&state)[kSets][kWords], const uint32_t* words,
                                  const NextBlock& next_block) {
    const uint32_t* constants = kSha256Constants;
    __asm__("" : "+r"(constants));
    for (size_t set = 0; set < kSets; ++set, words += 16 * kLanes32) {
      V32 w[16];
      for (size_t i = 0; i < 16; ++i) w[i] = hn::Load(D32(), words + i * kLanes32);
      V32(&s)[kWords] = state[set];
      Steps(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], w, s, constants, next_block);
    }
  }
};

void Sha256Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                 uint8_t* digests, const uint8_t*) {
  // Only AVX-512's lanes are faster than the SHA instructions.
  const bool lanes = HWY_MAX_BYTES == 64 || !parameters.sha_instructions;
  if (!lanes) return Sha256OneByOne(parameters, pages, count, digests, {});
  HashPages<Sha256Lanes>(parameters, pages, count, digests, Sha256OneByOne, kLanes32 / 4);
}

constexpr Kernel kSha256 = {Sha256Pages, Sha256Lanes::kSets* kLanes32};

}  // namespace HWY_NAMESPACE
}  // namespace fakedirty
HWY_AFTER_NAMESPACE();
#endif  // FAKEDIRTY_VECTOR

#if HWY_ONCE
#include "src/kernels/sha_instructions.h"
#include "src/kernels/sha_plain.h"

namespace fakedirty {
namespace {

#if FAKEDIRTY_SHA_INSTRUCTIONS

// The state with SHA instructions.
template <size_t kPages>
struct Sha256State {
  __m128i abcd[kPages], e[kPages];  // in fact a b e f, and c d g h, from the highest lane down
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
    const __m128i sum = _mm_add_epi32(w[i], Load128(kSha256Constants + 4 * kGroup));
    e[page] = _mm_sha256rnds2_epu32(e[page], abcd[page], sum);
    abcd[page] = _mm_sha256rnds2_epu32(abcd[page], e[page], _mm_shuffle_epi32(sum, 0x0E));
  }

  FAKEDIRTY_SHA_INLINE void Add(size_t page, __m128i abcd_before, __m128i e_before, __m128i) {
    abcd[page] = _mm_add_epi32(abcd[page], abcd_before);
    e[page] = _mm_add_epi32(e[page], e_before);
  }

  FAKEDIRTY_SHA_INLINE void Write(size_t page, uint8_t* digest) const {
    const __m128i ab_ef = _mm_shuffle_epi32(abcd[page], 0x1B);
    const __m128i cd_gh = _mm_shuffle_epi32(e[page], 0x1B);
    Store128(digest, _mm_shuffle_epi8(_mm_unpacklo_epi64(ab_ef, cd_gh), Order()));
    Store128(digest + 16, _mm_shuffle_epi8(_mm_unpackhi_epi64(ab_ef, cd_gh), Order()));
  }
};

#endif  // FAKEDIRTY_SHA_INSTRUCTIONS

struct PlainSha256 {
  static constexpr size_t kDigestBytes = 32;
  uint32_t h[8];

  PlainSha256() { memcpy(h, kSha256Initial, sizeof(h)); }

  void Compress(const uint8_t* block) {
    uint32_t w[16];
    for (size_t i = 0; i < 16; ++i) w[i] = ByteSwap(LoadLittle<uint32_t>(block + 4 * i));
    Steps(h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], w);
  }

  static uint32_t Right(uint32_t word, int bits) { return RotateLeft(word, 32 - bits); }

  template <size_t kStep = 0>
  __attribute__((always_inline)) inline void Steps(uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                                                   uint32_t e, uint32_t f, uint32_t g,
                                                   uint32_t last, uint32_t* w) {
    if constexpr (kStep < 64) {
      constexpr size_t i = kStep % 16;
      if (kStep >= 16) {
        const uint32_t early = w[(i + 1) % 16], late = w[(i + 14) % 16];
        w[i] += (Right(early, 7) ^ Right(early, 18) ^ early >> 3) + w[(i + 9) % 16] +
                (Right(late, 17) ^ Right(late, 19) ^ late >> 10);
      }
      const uint32_t first = last + (Right(e, 6) ^ Right(e, 11) ^ Right(e, 25)) +
                             (g ^ (e & (f ^ g))) + kSha256Constants[kStep] + w[i];
      const uint32_t second =
          (Right(a, 2) ^ Right(a, 13) ^ Right(a, 22)) + ((a & b) | (c & (a | b)));
      Steps<kStep + 1>(first + second, a, b, c, d + first, e, f, g, w);
    } else {
      const uint32_t after[8] = {a, b, c, d, e, f, g, last};
      for (size_t i = 0; i < 8; ++i) h[i] += after[i];
    }
  }

  void Write(uint8_t* digest) const {
    for (size_t i = 0; i < 8; ++i) StoreBig(digest + 4 * i, h[i]);
  }
};

}  // namespace

void Sha256OneByOne(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                    uint8_t* digests, const uint8_t*) {
#if FAKEDIRTY_SHA_INSTRUCTIONS
  if (parameters.sha_instructions) {
    return ShaInterleaved<Sha256State, 3>(parameters, pages, count, digests);
  }
#endif
  ShaPlain<PlainSha256>(parameters, pages, count, digests);
}

Kernel Sha256Kernel(Target target) {
  constexpr Kernel kPortable = {Sha256OneByOne, 1};
  FAKEDIRTY_SELECT(target, kSha256, kPortable);
}

}  // namespace fakedirty
#endif  // HWY_ONCE
