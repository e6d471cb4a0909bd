// SPDX-License-Identifier: MIT
// The three-operand functions of MD5, SHA-1 and SHA-256: one instruction each with AVX-512, two or
// three elsewhere.
#if defined(FAKEDIRTY_SRC_SIMD_LOGIC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FAKEDIRTY_SRC_SIMD_LOGIC_INL_H_
#undef FAKEDIRTY_SRC_SIMD_LOGIC_INL_H_
#else
#define FAKEDIRTY_SRC_SIMD_LOGIC_INL_H_
#endif

#include "src/simd/pin-inl.h"
#include "src/simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <int kBits>
HWY_INLINE V32 RotateLeft(V32 v) {
  return hn::RotateRight<32 - kBits>(v);
}

// mask ? yes : no, bit by bit. (Highway's IfVecThenElse may use only one bit of each byte.)
HWY_INLINE V32 Choose(V32 mask, V32 yes, V32 no) {
#if HWY_MAX_BYTES == 64
  return V32{_mm512_ternarylogic_epi32(mask.raw, yes.raw, no.raw, 0xCA)};
#else
  return hn::Xor(no, hn::And(mask, hn::Xor(yes, no)));
#endif
}

HWY_INLINE V32 Xor3(V32 a, V32 b, V32 c) { return hn::Xor3(a, b, c); }

HWY_INLINE V32 Majority(V32 a, V32 b, V32 c) {
#if HWY_MAX_BYTES == 64
  return V32{_mm512_ternarylogic_epi32(a.raw, b.raw, c.raw, 0xE8)};
#else
  return hn::Or(hn::And(a, b), hn::And(c, hn::Or(a, b)));
#endif
}

// a ^ (b | ~c)
HWY_INLINE V32 XorOrNot(V32 a, V32 b, V32 c) {
#if HWY_MAX_BYTES == 64
  return V32{_mm512_ternarylogic_epi32(a.raw, b.raw, c.raw, 0x2D)};
#else
  return hn::Xor(a, hn::Or(b, hn::Not(c)));
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace fakedirty
HWY_AFTER_NAMESPACE();

#endif  // FAKEDIRTY_SRC_SIMD_LOGIC_INL_H_
