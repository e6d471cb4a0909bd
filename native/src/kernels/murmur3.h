// SPDX-License-Identifier: MIT
// The constants and the last step of MurmurHash3, for lanes and plain code alike.
#ifndef FAKEDIRTY_SRC_KERNELS_MURMUR3_H_
#define FAKEDIRTY_SRC_KERNELS_MURMUR3_H_

#include "src/kernels/kernel.h"
#include "src/simd/bytes.h"

namespace fakedirty {

constexpr uint32_t kMurmur32C1 = 0xcc9e2d51, kMurmur32C2 = 0x1b873593;
constexpr uint32_t kMurmur32Add = 0xe6546b64;
constexpr uint64_t kMurmur128C1 = 0x87c37b91114253d5, kMurmur128C2 = 0x4cf5ad432745937f;
constexpr uint64_t kMurmur128Add1 = 0x52dce729, kMurmur128Add2 = 0x38495ab5;

inline void FinishMurmur32(uint32_t hash, size_t page_size, uint8_t* digest) {
  hash ^= static_cast<uint32_t>(page_size);
  hash = (hash ^ hash >> 16) * 0x85ebca6b;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35;
  StoreBig(digest, hash ^ hash >> 16);
}

inline uint64_t Avalanche(uint64_t word) {
  word = (word ^ word >> 33) * 0xff51afd7ed558ccd;
  word = (word ^ word >> 33) * 0xc4ceb9fe1a85ec53;
  return word ^ word >> 33;
}

inline void FinishMurmur128(uint64_t h1, uint64_t h2, size_t page_size, uint8_t* digest) {
  h1 ^= page_size;
  h2 ^= page_size;
  h1 += h2;
  h2 += h1;
  h1 = Avalanche(h1);
  h2 = Avalanche(h2);
  h1 += h2;
  h2 += h1;
  StoreBig(digest, h1);
  StoreBig(digest + 8, h2);
}

// Plain code, a few pages at a time: for targets without lanes, and for pages that don't fill them.
void Murmur32Interleaved(const HashParameters& parameters, const uint8_t* const* pages,
                         size_t count, uint8_t* digests, const uint8_t* next);
void Murmur128Interleaved(const HashParameters& parameters, const uint8_t* const* pages,
                          size_t count, uint8_t* digests, const uint8_t* next);

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_KERNELS_MURMUR3_H_
