// SPDX-License-Identifier: MIT
// MD5 (RFC 1321): many pages in lanes, or page by page.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/md5.cc"
#include "src/simd/vector.h"
// vector.h must come first.
#include "src/kernels/digest_padding.h"
#include "src/kernels/md5.h"

#if FAKEDIRTY_VECTOR
#include "src/kernels/digest_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Md5Lanes {
  static constexpr size_t kSets =
      2;  // each step waits for the one before it: two sets fill the gaps
  static constexpr size_t kWords = 4;
  static constexpr bool kBigEndian = false;
  static constexpr const uint32_t (&kInitial)[kWords] = kMd5Initial;
  using Order = AsIs;

  template <size_t kStep>
  static HWY_INLINE V32 Mix(V32 b, V32 c, V32 d) {
    if constexpr (kStep < 16)
      return Choose(b, c, d);
    else if constexpr (kStep < 32)
      return Choose(d, b, c);
    else if constexpr (kStep < 48)
      return Xor3(b, c, d);
    else
      return XorOrNot(c, b, d);
  }

  // A step of every set. The next step rotates the roles of a, b, c and d.
  template <size_t kSets, class NextBlock, size_t kStep = 0>
  static HWY_INLINE void Steps(V32 (&state)[kSets][kWords], const uint32_t* words,
                               const uint32_t* constants, const NextBlock& next_block) {
    if constexpr (kStep < 64) {
      next_block.template LoadPart<kStep, 64>();
      const D32 d32;
      constexpr size_t a = (64 - kStep) % 4, b = (65 - kStep) % 4, c = (66 - kStep) % 4,
                       d = (67 - kStep) % 4;
      const V32 constant = hn::Set(d32, constants[kStep]);
      for (size_t set = 0; set < kSets; ++set) {
        V32* const s = state[set];
        const V32 word = hn::Load(d32, words + (16 * set + Md5Word(kStep)) * kLanes32);
        const V32 early_sum = Pin(hn::Add(s[a], hn::Add(constant, word)));
        const V32 sum = hn::Add(early_sum, Mix<kStep>(s[b], s[c], s[d]));
        s[a] = hn::Add(RotateLeft<Md5Rotation(kStep)>(sum), s[b]);
      }
      Steps<kSets, NextBlock, kStep + 1>(state, words, constants, next_block);
    }
  }

  template <size_t kSets, class NextBlock>
  static HWY_INLINE void Compress(V32 (&state)[kSets][kWords], const uint32_t* words,
                                  const NextBlock& next_block) {
    V32 after[kSets][kWords];
    for (size_t set = 0; set < kSets; ++set) {
      for (size_t i = 0; i < kWords; ++i) after[set][i] = state[set][i];
    }
    const uint32_t* constants = kMd5Constants;
    __asm__("" : "+r"(constants));
    Steps<kSets>(after, words, constants, next_block);
    for (size_t set = 0; set < kSets; ++set) {
      for (size_t i = 0; i < kWords; ++i) state[set][i] = hn::Add(state[set][i], after[set][i]);
    }
  }
};

void Md5Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
              uint8_t* digests, const uint8_t*) {
  HashPages<Md5Lanes>(parameters, pages, count, digests, Md5OneByOne, kLanes32 / 8);
}

constexpr Kernel kMd5 = {Md5Pages, Md5Lanes::kSets* kLanes32};

}  // namespace HWY_NAMESPACE
}  // namespace fakedirty
HWY_AFTER_NAMESPACE();
#endif  // FAKEDIRTY_VECTOR

#if HWY_ONCE
namespace fakedirty {
namespace {

uint32_t Mix(size_t step, uint32_t b, uint32_t c, uint32_t d) {
  if (step < 16) return (b & c) | (~b & d);
  if (step < 32) return (d & b) | (~d & c);
  if (step < 48) return b ^ c ^ d;
  return c ^ (b | ~d);
}

template <size_t kStep = 0>
inline void Steps(uint32_t a, uint32_t b, uint32_t c, uint32_t d, const uint32_t* words,
                  uint32_t (&state)[4]) {
  if constexpr (kStep < 64) {
    a += Mix(kStep, b, c, d) + kMd5Constants[kStep] + words[Md5Word(kStep)];
    Steps<kStep + 1>(d, b + RotateLeft(a, Md5Rotation(kStep)), b, c, words, state);
  } else {
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
  }
}

}  // namespace

void Md5OneByOne(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                 uint8_t* digests, const uint8_t*) {
  for (size_t page = 0; page < count; ++page, digests += 16) {
    uint32_t state[4];
    memcpy(state, kMd5Initial, sizeof(state));
    for (size_t offset = 0; offset < parameters.page_size; offset += 64) {
      uint32_t words[16];
      memcpy(words, pages[page] + offset, sizeof(words));
      Steps(state[0], state[1], state[2], state[3], words, state);
    }
    const PaddingBlock padding(parameters.page_size, false);
    Steps(state[0], state[1], state[2], state[3], padding.words, state);
    memcpy(digests, state, sizeof(state));
  }
}

Kernel Md5Kernel(Target target) {
  constexpr Kernel kPortable = {Md5OneByOne, 1};
  FAKEDIRTY_SELECT(target, kMd5, kPortable);
}

}  // namespace fakedirty
#endif  // HWY_ONCE
