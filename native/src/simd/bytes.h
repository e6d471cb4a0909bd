// SPDX-License-Identifier: MIT
// Reads words from page contents and writes words to digests, on little-endian hosts.
#ifndef FAKEDIRTY_SRC_SIMD_BYTES_H_
#define FAKEDIRTY_SRC_SIMD_BYTES_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Inlined even without optimization. Otherwise the compiler could emit a function for a wider
// instruction set, and the linker could keep that one for processors that can't run it.
#define FAKEDIRTY_INLINE inline __attribute__((always_inline))

namespace fakedirty {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "kernels load words without swapping bytes");

constexpr size_t kCacheLine = 64;

template <class Word>
FAKEDIRTY_INLINE Word LoadLittle(const uint8_t* from) {
  Word word;
  memcpy(&word, from, sizeof(word));
  return word;
}

template <class Word>
FAKEDIRTY_INLINE void StoreLittle(uint8_t* to, Word word) {
  memcpy(to, &word, sizeof(word));
}

FAKEDIRTY_INLINE uint32_t ByteSwap(uint32_t word) { return __builtin_bswap32(word); }
FAKEDIRTY_INLINE uint64_t ByteSwap(uint64_t word) { return __builtin_bswap64(word); }

template <class Word>
FAKEDIRTY_INLINE void StoreBig(uint8_t* to, Word word) {
  StoreLittle(to, ByteSwap(word));
}

FAKEDIRTY_INLINE uint32_t RotateLeft(uint32_t word, int bits) {
  return word << bits | word >> (32 - bits);
}
FAKEDIRTY_INLINE uint64_t RotateLeft(uint64_t word, int bits) {
  return word << bits | word >> (64 - bits);
}

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_SIMD_BYTES_H_
