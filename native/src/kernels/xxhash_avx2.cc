// SPDX-License-Identifier: MIT
// XXH3 for AVX2.
#include "src/kernels/xxhash.h"

#if defined(__x86_64__)
// First what must not be compiled for this target.
#include <immintrin.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "src/simd/bytes.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#define XXH_VECTOR XXH_AVX2
#define FAKEDIRTY_XXHASH_NAMESPACE xxhash_avx2
#include "src/kernels/xxhash-inl.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif  // __x86_64__
