// SPDX-License-Identifier: MIT
// CRC-32 in plain C++: the arithmetic behind the folding constants, and the table-driven update.
#ifndef FAKEDIRTY_SRC_KERNELS_CRC32_H_
#define FAKEDIRTY_SRC_KERNELS_CRC32_H_

#include "src/simd/bytes.h"

namespace fakedirty {

// x^32 + x^26 + ... + 1 without its leading term, bit i standing for x^(31-i).
constexpr uint32_t kCrc32Polynomial = 0xEDB88320;

constexpr uint32_t Crc32TimesX(uint32_t remainder) {
  return remainder >> 1 ^ (remainder & 1 ? kCrc32Polynomial : 0);
}

// x^n mod P as a 64-bit factor for carry-less products of bit-reversed words: bit i stands for
// x^(63-i). Such a product comes out multiplied by x, so callers ask for one power less.
constexpr uint64_t Crc32Power(size_t n) {
  uint32_t power = 0x80000000;  // x^0
  for (size_t i = 0; i < n; ++i) power = Crc32TimesX(power);
  return uint64_t{power} << 32;
}

// tables.at[i][byte]: what a byte contributes to the register i bytes later.
struct Crc32Tables {
  constexpr Crc32Tables() : at() {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      uint32_t remainder = byte;
      for (int bit = 0; bit < 8; ++bit) remainder = Crc32TimesX(remainder);
      at[0][byte] = remainder;
    }
    for (size_t i = 1; i < 8; ++i) {
      for (size_t byte = 0; byte < 256; ++byte) {
        at[i][byte] = at[i - 1][byte] >> 8 ^ at[0][at[i - 1][byte] & 0xFF];
      }
    }
  }
  uint32_t at[8][256];
};

constexpr Crc32Tables kCrc32Tables;

// The register after length bytes, a multiple of eight.
inline uint32_t Crc32Update(uint32_t crc, const uint8_t* bytes, size_t length) {
  const auto& table = kCrc32Tables.at;
  for (size_t i = 0; i < length; i += 8) {
    const uint64_t word = LoadLittle<uint64_t>(bytes + i) ^ crc;
    crc = table[7][word & 0xFF] ^ table[6][word >> 8 & 0xFF] ^ table[5][word >> 16 & 0xFF] ^
          table[4][word >> 24 & 0xFF] ^ table[3][word >> 32 & 0xFF] ^ table[2][word >> 40 & 0xFF] ^
          table[1][word >> 48 & 0xFF] ^ table[0][word >> 56];
  }
  return crc;
}

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_KERNELS_CRC32_H_
