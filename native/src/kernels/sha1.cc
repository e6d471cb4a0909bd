// SPDX-License-Identifier: MIT
// SHA-1 (FIPS 180-4) of many pages side by side.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/sha1.cc"
#include "src/simd/vector.h"
// After vector.h.
#include "src/kernels/sha1.h"

#if FAKEDIRTY_VECTOR
#include "src/kernels/digest_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Sha1Lanes {
  static constexpr size_t kSets = 1;  // has enough to do in parallel by itself
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

  template <class Meanwhile, size_t kStep = 0>
  static HWY_INLINE void Steps(V32 a, V32 b, V32 c, V32 d, V32 e, V32 (&w)[16],
                               V32 (&state)[kWords], const Meanwhile& meanwhile) {
    if constexpr (kStep < 80) {
      meanwhile.template At<kStep, 80>();
      constexpr size_t i = kStep % 16;
      if constexpr (kStep >= 16) {
        w[i] =
            RotateLeft<1>(hn::Xor(Xor3(w[(i + 13) % 16], w[(i + 8) % 16], w[(i + 2) % 16]), w[i]));
      }
      const V32 known = Pin(hn::Add(hn::Add(e, w[i]), hn::Set(D32(), kSha1Constants[kStep / 20])));
      const V32 sum = hn::Add(hn::Add(known, Mix<kStep>(b, c, d)), RotateLeft<5>(a));
      Steps<Meanwhile, kStep + 1>(sum, a, RotateLeft<30>(b), c, d, w, state, meanwhile);
    } else {
      state[0] = hn::Add(state[0], a);
      state[1] = hn::Add(state[1], b);
      state[2] = hn::Add(state[2], c);
      state[3] = hn::Add(state[3], d);
      state[4] = hn::Add(state[4], e);
    }
  }

  template <size_t kSets, class Meanwhile>
  static HWY_INLINE void Compress(V32 (&state)[kSets][kWords], const uint32_t* words,
                                  const Meanwhile& meanwhile) {
    for (size_t set = 0; set < kSets; ++set, words += 16 * kLanes32) {
      V32 w[16];
      for (size_t i = 0; i < 16; ++i) w[i] = hn::Load(D32(), words + i * kLanes32);
      V32(&s)[kWords] = state[set];
      Steps(s[0], s[1], s[2], s[3], s[4], w, s, meanwhile);
    }
  }
};

void Sha1Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
               uint8_t* digests, const uint8_t*) {
  // Four lanes are slower than the processor's own instructions; eight are not.
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
namespace fakedirty {

Kernel Sha1Kernel(Target target) {
  constexpr Kernel kPortable = {Sha1OneByOne, 1};
  FAKEDIRTY_SELECT(target, kSha1, kPortable);
}

}  // namespace fakedirty
#endif  // HWY_ONCE
