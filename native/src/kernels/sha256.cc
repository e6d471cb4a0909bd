// SPDX-License-Identifier: MIT
// SHA-256 (FIPS 180-4) of many pages side by side.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/sha256.cc"
#include "src/simd/vector.h"
// After vector.h.
#include "src/kernels/sha256.h"

#if FAKEDIRTY_VECTOR
#include "src/kernels/digest_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Sha256Lanes {
  static constexpr size_t kSets = 1;  // has enough to do in parallel by itself
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

  template <class Meanwhile, size_t kStep = 0>
  static HWY_INLINE void Steps(V32 a, V32 b, V32 c, V32 d, V32 e, V32 f, V32 g, V32 h, V32 (&w)[16],
                               V32 (&state)[kWords], const uint32_t* constants,
                               const Meanwhile& meanwhile) {
    if constexpr (kStep < 64) {
      meanwhile.template At<kStep, 64>();
      constexpr size_t i = kStep % 16;
      if constexpr (kStep >= 16) {
        w[i] = hn::Add(hn::Add(w[i], RotationsAndShift<7, 18, 3>(w[(i + 1) % 16])),
                       hn::Add(w[(i + 9) % 16], RotationsAndShift<17, 19, 10>(w[(i + 14) % 16])));
      }
      const V32 known = Pin(hn::Add(hn::Add(h, hn::Set(D32(), constants[kStep])), w[i]));
      const V32 first = hn::Add(hn::Add(known, Choose(e, f, g)), Rotations<6, 11, 25>(e));
      const V32 second = hn::Add(Rotations<2, 13, 22>(a), Majority(a, b, c));
      Steps<Meanwhile, kStep + 1>(hn::Add(first, second), a, b, c, hn::Add(d, first), e, f, g, w,
                                  state, constants, meanwhile);
    } else {
      const V32 after[kWords] = {a, b, c, d, e, f, g, h};
      for (size_t i = 0; i < kWords; ++i) state[i] = hn::Add(state[i], after[i]);
    }
  }

  template <size_t kSets, class Meanwhile>
  static HWY_INLINE void Compress(V32 (&state)[kSets][kWords], const uint32_t* words,
                                  const Meanwhile& meanwhile) {
    const uint32_t* constants = kSha256Constants;
    __asm__("" : "+r"(constants));
    for (size_t set = 0; set < kSets; ++set, words += 16 * kLanes32) {
      V32 w[16];
      for (size_t i = 0; i < 16; ++i) w[i] = hn::Load(D32(), words + i * kLanes32);
      V32(&s)[kWords] = state[set];
      Steps(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], w, s, constants, meanwhile);
    }
  }
};

void Sha256Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                 uint8_t* digests, const uint8_t*) {
  // Narrower lanes than AVX-512's are slower than the processor's own instructions.
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
namespace fakedirty {

Kernel Sha256Kernel(Target target) {
  constexpr Kernel kPortable = {Sha256OneByOne, 1};
  FAKEDIRTY_SELECT(target, kSha256, kPortable);
}

}  // namespace fakedirty
#endif  // HWY_ONCE
