// SPDX-License-Identifier: MIT
// The constants of SHA-1 (FIPS 180-4), for lanes, SHA instructions and plain code alike.
#ifndef FAKEDIRTY_SRC_KERNELS_SHA1_H_
#define FAKEDIRTY_SRC_KERNELS_SHA1_H_

#include "src/kernels/kernel.h"
#include "src/simd/bytes.h"

namespace fakedirty {

constexpr uint32_t kSha1Initial[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
constexpr uint32_t kSha1Constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};

// For pages that don't fill lanes: with the processor's SHA instructions if it has them, otherwise
// in plain C++.
void Sha1OneByOne(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                  uint8_t* digests, const uint8_t* next);

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_KERNELS_SHA1_H_
