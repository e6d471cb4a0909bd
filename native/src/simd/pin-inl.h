// SPDX-License-Identifier: MIT
// Pin(v) returns v, and hides from the compiler how it was computed. Without it the compiler loads
// memory twice to save an instruction, or reorders sums so that early terms wait for late ones.
//
// PinLoaded(v) is for a value that came from memory which somebody else is writing: whatever uses
// the result uses this one value (R1). It is executed exactly as often as it is written: the
// compiler may not compute v anew instead of keeping it.
#if defined(FAKEDIRTY_SRC_SIMD_PIN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FAKEDIRTY_SRC_SIMD_PIN_INL_H_
#undef FAKEDIRTY_SRC_SIMD_PIN_INL_H_
#else
#define FAKEDIRTY_SRC_SIMD_PIN_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {

template <class V>
HWY_INLINE V Pin(V v) {
#if HWY_ARCH_X86 && HWY_MAX_BYTES == 64
  __asm__("" : "+v"(v.raw));
#elif HWY_ARCH_X86
  __asm__("" : "+x"(v.raw));
#elif HWY_ARCH_ARM
  __asm__("" : "+w"(v.raw));
#endif
  return v;
}

template <class V>
HWY_INLINE V PinLoaded(V v) {
#if HWY_ARCH_X86 && HWY_MAX_BYTES == 64
  __asm__ volatile("" : "+v"(v.raw));
#elif HWY_ARCH_X86
  __asm__ volatile("" : "+x"(v.raw));
#elif HWY_ARCH_ARM
  __asm__ volatile("" : "+w"(v.raw));
#else
#error "A kernel that copies and hashes in one reading needs a way to pin what it has loaded."
#endif
  return v;
}

}  // namespace HWY_NAMESPACE
}  // namespace fakedirty
HWY_AFTER_NAMESPACE();

#endif  // FAKEDIRTY_SRC_SIMD_PIN_INL_H_
