// SPDX-License-Identifier: MIT
// How a kernel file is compiled once for each instruction set, with Highway's headers alone.
//
// A kernel file (ph128.cc, md5.cc, ...) defines HWY_TARGET_INCLUDE to its own name and includes
// this header, which compiles the rest of the file once for each target, each time in another
// namespace; see hwy/foreach_target.h. Below its #if HWY_ONCE the file picks among them with
// FAKEDIRTY_SELECT. The library is not linked: Highway's own dispatcher is not used.
#include "src/simd/target.h"

// Known processors instead of every width that Highway could build. Scalable vectors can't be kept
// in arrays, which the lane kernels do.
#define HWY_WANT_AVX3_DL 1
#define HWY_DISABLE_F16C 1
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_PPC8 | HWY_WASM)

#include "hwy/foreach_target.h"  // compiles the including file again and again
#include "hwy/highway.h"

// Highway's scalar fallback is not used: "portable" is plain C++, written out in each kernel file,
// which also serves what is left over when lanes can't be filled.
#undef FAKEDIRTY_VECTOR
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
#define FAKEDIRTY_VECTOR 0
#else
#define FAKEDIRTY_VECTOR 1
#endif

// FAKEDIRTY_SELECT(target, vector, portable) returns the constant of that name for a target.
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
