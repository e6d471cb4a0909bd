// SPDX-License-Identifier: MIT
// SHA-1 (FIPS 180-4): many pages in lanes, a few with the processor's SHA instructions, or page by
// page in plain C++.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/sha1.cc"
#include "src/simd/vector.h"
// vector.h must come first.
#include "src/kernels/sha1.h"

#if FAKEDIRTY_VECTOR
#include "src/kernels/digest_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Sha1Lanes {
  static constexpr size_t kSets = 1;  // one set has enough independent work
  static constexpr size_t kWords = 5;
  static constexpr bool kBigEndian = true;
  static constexpr const uint32_t (&kInitial)[kWords] = kSha1Initial;
  using Order = BytesSwapped;

  template <size_t kStep>
  static HWY_INLINE V32 Mix(V32 b, V32 c, V32 d) {
    if constexpr (kStep < 20)
      return Choose(b, c, d);
    else if constexpr (kStep < 40)
      return Xor3(b, c, d);
    else if constexpr (kStep < 60)
      return Majority(b, c, d);
    else
      return Xor3(b, c, d);
  }

  template <class NextBlock, size_t kStep = 0>
  static HWY_INLINE void Steps(V32 a, V32 b, V32 c, V32 d, V32 e, V32 (&w)[16],
                               V32 (&state)[kWords], const NextBlock& next_block) {
    if constexpr (kStep < 80) {
      next_block.template LoadPart<kStep, 80>();
      constexpr size_t i = kStep % 16;
      if constexpr (kStep >= 16) {
        w[i] =
            RotateLeft<1>(hn::Xor(Xor3(w[(i + 13) % 16], w[(i + 8) % 16], w[(i + 2) % 16]), w[i]));
      }
      const V32 early_sum =
          Pin(hn::Add(hn::Add(e, w[i]), hn::Set(D32(), kSha1Constants[kStep / 20])));
      const V32 sum = hn::Add(hn::Add(early_sum, Mix<kStep>(b, c, d)), RotateLeft<5>(a));
      Steps<NextBlock, kStep + 1>(sum, a, RotateLeft<30>(b), c, d, w, state, next_block);
    } else {
      state[0] = hn::Add(state[0], a);
      state[1] = hn::Add(state[1], b);
      state[2] = hn::Add(state[2], c);
      state[3] = hn::Add(state[3], d);
      state[4] = hn::Add(state[4], e);
    }
  }

  template <size_t kSets, class NextBlock>
  static HWY_INLINE void Compress(V32 (&state)[kSets][kWords], const uint32_t* words,
                                  const NextBlock& next_block) {
    for (size_t set = 0; set < kSets; ++set, words += 16 * kLanes32) {
      V32 w[16];
      for (size_t i = 0; i < 16; ++i) w[i] = hn::Load(D32(), words + i * kLanes32);
      V32(&s)[kWords] = state[set];
      Steps(s[0], s[1], s[2], s[3], s[4], w, s, next_block);
    }
  }
};

void Sha1Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
               uint8_t* digests, const uint8_t*) {
  // Four lanes are slower than the SHA instructions; eight are not.
  const bool lanes = HWY_MAX_BYTES > 16 || !parameters.sha_instructions;
  if (!lanes) return Sha1OneByOne(parameters, pages, count, digests, {});
  HashPages<Sha1Lanes>(parameters, pages, count, digests, Sha1OneByOne, kLanes32 / 4);
}

constexpr Kernel kSha1 = {Sha1Pages, Sha1Lanes::kSets* kLanes32};

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

// The state with SHA instructions. previous is abcd before the last group of steps: e comes from
// it.
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
  FAKEDIRTY_SHA_INLINE void Steps(size_t page, __m128i& previous) {
    constexpr int i = kGroup % 4;
    __m128i(&w)[4] = words[page];
    if constexpr (kGroup >= 4) {
      const __m128i early = _mm_sha1msg1_epu32(w[i], w[(i + 1) % 4]);
      w[i] = _mm_sha1msg2_epu32(_mm_xor_si128(early, w[(i + 2) % 4]), w[(i + 3) % 4]);
    }
    const __m128i sum = kGroup ? _mm_sha1nexte_epu32(previous, w[i]) : _mm_add_epi32(e[page], w[i]);
    previous = abcd[page];
    abcd[page] = _mm_sha1rnds4_epu32(abcd[page], sum, kGroup / 5);
  }

  FAKEDIRTY_SHA_INLINE void Add(size_t page, __m128i abcd_before, __m128i e_before,
                                __m128i previous) {
    abcd[page] = _mm_add_epi32(abcd[page], abcd_before);
    e[page] = _mm_sha1nexte_epu32(previous, e_before);
  }

  FAKEDIRTY_SHA_INLINE void Write(size_t page, uint8_t* digest) const {
    Store128(digest, _mm_shuffle_epi8(abcd[page], Order()));
    StoreBig(digest + 16, static_cast<uint32_t>(_mm_extract_epi32(e[page], 3)));
  }
};

#endif  // FAKEDIRTY_SHA_INSTRUCTIONS

struct PlainSha1 {
  static constexpr size_t kDigestBytes = 20;
  uint32_t h[5];

  PlainSha1() { memcpy(h, kSha1Initial, sizeof(h)); }

  void Compress(const uint8_t* block) {
    uint32_t w[16];
    for (size_t i = 0; i < 16; ++i) w[i] = ByteSwap(LoadLittle<uint32_t>(block + 4 * i));
    Steps(h[0], h[1], h[2], h[3], h[4], w);
  }

  // The state stays in registers: each step passes its words to the next one in other roles.
  template <size_t kStep = 0>
  __attribute__((always_inline)) inline void Steps(uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                                                   uint32_t e, uint32_t* w) {
    if constexpr (kStep < 80) {
      constexpr size_t i = kStep % 16;
      if (kStep >= 16) {
        w[i] = RotateLeft(w[(i + 13) % 16] ^ w[(i + 8) % 16] ^ w[(i + 2) % 16] ^ w[i], 1);
      }
      uint32_t mixed = b ^ c ^ d;
      if (kStep < 20) mixed = d ^ (b & (c ^ d));
      if (kStep >= 40 && kStep < 60) mixed = (b & c) | (d & (b | c));
      e += RotateLeft(a, 5) + mixed + kSha1Constants[kStep / 20] + w[i];
      Steps<kStep + 1>(e, a, RotateLeft(b, 30), c, d, w);
    } else {
      const uint32_t after[5] = {a, b, c, d, e};
      for (size_t i = 0; i < 5; ++i) h[i] += after[i];
    }
  }

  void Write(uint8_t* digest) const {
    for (size_t i = 0; i < 5; ++i) StoreBig(digest + 4 * i, h[i]);
  }
};

}  // namespace

void Sha1OneByOne(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                  uint8_t* digests, const uint8_t*) {
#if FAKEDIRTY_SHA_INSTRUCTIONS
  if (parameters.sha_instructions) {
    return ShaInterleaved<Sha1State, 2>(parameters, pages, count, digests);
  }
#endif
  ShaPlain<PlainSha1>(parameters, pages, count, digests);
}

Kernel Sha1Kernel(Target target) {
  constexpr Kernel kPortable = {Sha1OneByOne, 1};
  FAKEDIRTY_SELECT(target, kSha1, kPortable);
}

}  // namespace fakedirty
#endif  // HWY_ONCE
