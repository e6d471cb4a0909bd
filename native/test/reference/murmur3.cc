// SPDX-License-Identifier: MIT
// MurmurHash3 of any length, one byte and one step at a time.
#include "reference/murmur3.h"

namespace fakedirty_test {
namespace {

template <class Word>
Word Rotate(Word word, int bits) {
  const int width = 8 * sizeof(Word);
  return static_cast<Word>(word << bits) | static_cast<Word>(word >> (width - bits));
}

// Little-endian; bytes past the end count as zero.
template <class Word>
Word Read(const uint8_t* bytes, size_t count, size_t at) {
  Word word = 0;
  for (size_t i = 0; i < sizeof(Word) && at + i < count; ++i) {
    word |= static_cast<Word>(bytes[at + i]) << (8 * i);
  }
  return word;
}

uint32_t Scramble(uint32_t k) { return Rotate(k * 0xcc9e2d51u, 15) * 0x1b873593u; }

constexpr uint64_t kC1 = 0x87c37b91114253d5, kC2 = 0x4cf5ad432745937f;
uint64_t ScrambleFirst(uint64_t k) { return Rotate(k * kC1, 31) * kC2; }
uint64_t ScrambleSecond(uint64_t k) { return Rotate(k * kC2, 33) * kC1; }

uint32_t Avalanche(uint32_t h) {
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  return h ^ h >> 16;
}

uint64_t Avalanche(uint64_t h) {
  h = (h ^ h >> 33) * 0xff51afd7ed558ccd;
  h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
  return h ^ h >> 33;
}

}  // namespace

uint32_t Murmur3_32(const uint8_t* bytes, size_t count, uint32_t seed) {
  uint32_t h = seed;
  size_t at = 0;
  for (; at + 4 <= count; at += 4) {
    h ^= Scramble(Read<uint32_t>(bytes, count, at));
    h = Rotate(h, 13) * 5 + 0xe6546b64u;
  }
  h ^= Scramble(Read<uint32_t>(bytes, count, at));  // of nothing: zero
  return Avalanche(h ^ static_cast<uint32_t>(count));
}

Murmur3Digest Murmur3_128(const uint8_t* bytes, size_t count, uint32_t seed) {
  uint64_t h1 = seed, h2 = seed;
  size_t at = 0;
  for (; at + 16 <= count; at += 16) {
    h1 ^= ScrambleFirst(Read<uint64_t>(bytes, count, at));
    h1 = (Rotate(h1, 27) + h2) * 5 + 0x52dce729;
    h2 ^= ScrambleSecond(Read<uint64_t>(bytes, count, at + 8));
    h2 = (Rotate(h2, 31) + h1) * 5 + 0x38495ab5;
  }
  h1 ^= ScrambleFirst(Read<uint64_t>(bytes, count, at));
  h2 ^= ScrambleSecond(Read<uint64_t>(bytes, count, at + 8));
  h1 ^= count;
  h2 ^= count;
  h1 += h2;
  h2 += h1;
  h1 = Avalanche(h1);
  h2 = Avalanche(h2);
  h1 += h2;
  h2 += h1;
  return {h1, h2};
}

}  // namespace fakedirty_test
