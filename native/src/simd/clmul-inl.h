// SPDX-License-Identifier: MIT
// Carry-less multiplication of the two halves of each 128-bit block: one instruction, which Highway
// does not offer as one operation.
#if defined(FAKEDIRTY_SRC_SIMD_CLMUL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FAKEDIRTY_SRC_SIMD_CLMUL_INL_H_
#undef FAKEDIRTY_SRC_SIMD_CLMUL_INL_H_
#else
#define FAKEDIRTY_SRC_SIMD_CLMUL_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// As wide as the processor's carry-less multiplication. A wider vector would have to be taken apart
// and put together again for each product.
#if HWY_TARGET == HWY_AVX3_DL
using D64 = hn::ScalableTag<uint64_t>;
#else
using D64 = hn::Full128<uint64_t>;
#endif
using V64 = hn::Vec<D64>;
using Block = hn::Vec<hn::Full128<uint64_t>>;
constexpr size_t kClmulBytes = hn::MaxLanes(D64()) * sizeof(uint64_t);  // in one vector

HWY_INLINE V64 MultiplyHalves(V64 v) {
#if HWY_TARGET == HWY_AVX3_DL
  return V64{_mm512_clmulepi64_epi128(v.raw, v.raw, 0x01)};
#elif HWY_ARCH_X86
  return V64{_mm_clmulepi64_si128(v.raw, v.raw, 0x01)};
#else
  return hn::CLMulLower(v, hn::Shuffle01(v));
#endif
}

// The sum of all 128-bit blocks.
HWY_INLINE Block SumOfBlocks(V64 v) {
  const hn::Full128<uint64_t> d;
  HWY_ALIGN uint64_t words[hn::MaxLanes(D64())];
  hn::Store(v, D64(), words);
  Block sum = hn::Load(d, words);
  for (size_t i = 2; i < hn::MaxLanes(D64()); i += 2) sum = hn::Xor(sum, hn::Load(d, words + i));
  return sum;
}

}  // namespace HWY_NAMESPACE
}  // namespace fakedirty
HWY_AFTER_NAMESPACE();

#endif  // FAKEDIRTY_SRC_SIMD_CLMUL_INL_H_
