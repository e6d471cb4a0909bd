// SPDX-License-Identifier: MIT
// Compiles a kernel file once for each instruction set.
//
// A kernel file (ph128.cc, md5.cc, ...) defines HWY_TARGET_INCLUDE to its own path and includes
// this header. hwy/foreach_target.h then compiles the rest of the file once for each target, each
// time in another namespace. Below its #if HWY_ONCE the file selects one with FAKEDIRTY_SELECT.
// Highway is used as headers only: its own dispatcher would need its library.
#include "src/simd/target.h"

// The targets of target.h, instead of all that Highway could build. Those with scalable vectors are
// disabled because the lane kernels keep vectors in arrays.
#define HWY_WANT_AVX3_DL 1
#define HWY_DISABLE_F16C 1
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_PPC8 | HWY_WASM)

#include "hwy/foreach_target.h"  // includes the kernel file once more for each target
#include "hwy/highway.h"

// Highway's scalar fallback is not used. Each kernel file has a portable version in plain C++,
// which also hashes the pages that are too few to fill lanes.
#undef FAKEDIRTY_VECTOR
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
#define FAKEDIRTY_VECTOR 0
#else
#define FAKEDIRTY_VECTOR 1
#endif

// FAKEDIRTY_SELECT(target, vector, portable) returns the constant called vector of that target, or
// portable where it has none.
#ifndef FAKEDIRTY_SELECT
#if defined(__x86_64__)
#define FAKEDIRTY_SELECT(target, vector, portable) \
  switch (target) {                                \
    case Target::kAvx512Icelake:                   \
      return N_AVX3_DL::vector;                    \
    case Target::kAvx512:                          \
      return N_AVX3::vector;                       \
    case Target::kAvx2:                            \
      return N_AVX2::vector;                       \
    case Target::kSse4:                            \
      return N_SSE4::vector;                       \
    default:                                       \
      return portable;                             \
  }
#elif defined(__aarch64__)
#define FAKEDIRTY_SELECT(target, vector, portable) \
  return target == Target::kNeon ? N_NEON::vector : portable
#else
#define FAKEDIRTY_SELECT(target, vector, portable) return portable
#endif
#endif  // FAKEDIRTY_SELECT
