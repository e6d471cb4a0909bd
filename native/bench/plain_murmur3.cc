// SPDX-License-Identifier: MIT
// MurmurHash3 written straightforwardly: page by page, word by word.
#include <string.h>

#include "bench/rivals.h"

namespace fakedirty_bench {
namespace {

uint32_t Rotate(uint32_t word, int bits) { return word << bits | word >> (32 - bits); }
uint64_t Rotate(uint64_t word, int bits) { return word << bits | word >> (64 - bits); }

uint64_t Avalanche(uint64_t word) {
  word ^= word >> 33;
  word *= 0xff51afd7ed558ccd;
  word ^= word >> 33;
  word *= 0xc4ceb9fe1a85ec53;
  return word ^ word >> 33;
}

}  // namespace

uint32_t PlainMurmur3_32(const uint8_t* bytes, size_t length, uint32_t seed) {
  uint32_t hash = seed;
  for (size_t i = 0; i < length; i += 4) {
    uint32_t word;
    memcpy(&word, bytes + i, sizeof(word));
    word *= 0xcc9e2d51;
    word = Rotate(word, 15);
    word *= 0x1b873593;
    hash ^= word;
    hash = Rotate(hash, 13);
    hash = hash * 5 + 0xe6546b64;
  }
  hash ^= static_cast<uint32_t>(length);
  hash ^= hash >> 16;
  hash *= 0x85ebca6b;
  hash ^= hash >> 13;
  hash *= 0xc2b2ae35;
  return hash ^ hash >> 16;
}

void PlainMurmur3_128(const uint8_t* bytes, size_t length, uint32_t seed, uint64_t (&hash)[2]) {
  constexpr uint64_t c1 = 0x87c37b91114253d5, c2 = 0x4cf5ad432745937f;
  uint64_t h1 = seed, h2 = seed;
  for (size_t i = 0; i < length; i += 16) {
    uint64_t k1, k2;
    memcpy(&k1, bytes + i, sizeof(k1));
    memcpy(&k2, bytes + i + 8, sizeof(k2));
    h1 ^= Rotate(k1 * c1, 31) * c2;
    h1 = (Rotate(h1, 27) + h2) * 5 + 0x52dce729;
    h2 ^= Rotate(k2 * c2, 33) * c1;
    h2 = (Rotate(h2, 31) + h1) * 5 + 0x38495ab5;
  }
  h1 ^= length;
  h2 ^= length;
  h1 += h2;
  h2 += h1;
  h1 = Avalanche(h1);
  h2 = Avalanche(h2);
  h1 += h2;
  h2 += h1;
  hash[0] = h1;
  hash[1] = h2;
}

}  // namespace fakedirty_bench
