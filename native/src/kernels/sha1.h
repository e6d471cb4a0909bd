// SPDX-License-Identifier: MIT
// The numbers of SHA-1 (FIPS 180-4), shared by its lanes and its single-page code.
#ifndef FAKEDIRTY_SRC_KERNELS_SHA1_H_
#define FAKEDIRTY_SRC_KERNELS_SHA1_H_

#include "src/kernels/kernel.h"
#include "src/simd/bytes.h"

namespace fakedirty {

constexpr uint32_t kSha1Initial[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
constexpr uint32_t kSha1Constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};

// With the processor's SHA instructions, a few pages at a time.
void Sha1Instructions(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                      uint8_t* digests, const uint8_t* next);

// Pages that don't fill lanes: with those instructions if the parameters allow it, or plainly.
void Sha1OneByOne(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                  uint8_t* digests, const uint8_t* next);

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_KERNELS_SHA1_H_
