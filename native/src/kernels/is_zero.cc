// SPDX-License-Identifier: MIT
// Is a page all zero? The first bytes rule out most pages that are not.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/is_zero.cc"
#include "src/simd/vector.h"
// vector.h must come first.
#include "src/kernels/kernel.h"
#include "src/simd/bytes.h"

#if FAKEDIRTY_VECTOR
HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

bool IsZero(const uint8_t* page, size_t page_size) {
  const hn::ScalableTag<uint64_t> d;
  constexpr size_t kVector = HWY_MAX_BYTES;
  for (size_t at = 0; at < page_size; at += 4 * kVector) {
    const auto load = [&](size_t i) HWY_ATTR {
      return hn::LoadU(d, reinterpret_cast<const uint64_t*>(page + at + i * kVector));
    };
    const auto any = hn::Or(hn::Or(load(0), load(1)), hn::Or(load(2), load(3)));
    if (!hn::AllTrue(d, hn::Eq(any, hn::Zero(d)))) return false;
  }
  return true;
}

}  // namespace HWY_NAMESPACE
}  // namespace fakedirty
HWY_AFTER_NAMESPACE();
#endif  // FAKEDIRTY_VECTOR

#if HWY_ONCE
namespace fakedirty {
namespace {

bool IsZeroPortable(const uint8_t* page, size_t page_size) {
  for (size_t at = 0; at < page_size; at += 64) {
    uint64_t any = 0;
    for (size_t i = 0; i < 64; i += 8) any |= LoadLittle<uint64_t>(page + at + i);
    if (any) return false;
  }
  return true;
}

}  // namespace

IsZeroFunction IsZeroKernel(Target target) { FAKEDIRTY_SELECT(target, IsZero, IsZeroPortable); }

}  // namespace fakedirty
#endif  // HWY_ONCE
