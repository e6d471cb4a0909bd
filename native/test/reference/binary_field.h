// SPDX-License-Identifier: MIT
// Polynomials over GF(2) and the field GF(2^w), bit by bit: slow, and easy to check by reading.
#ifndef FAKEDIRTY_TEST_REFERENCE_BINARY_FIELD_H_
#define FAKEDIRTY_TEST_REFERENCE_BINARY_FIELD_H_

#include <stdint.h>

namespace fakedirty_test {

// Bit i of a number is the coefficient of x^i.
using Word = uint64_t;
using Product = unsigned __int128;

// What x^w equals in the field: the irreducible polynomial without its highest term.
template <int kWidth>
constexpr Word kModulusTail = 0;
template <>
constexpr Word kModulusTail<3> = 0b011;  // x^3 + x + 1
template <>
constexpr Word kModulusTail<4> = 0b0011;  // x^4 + x + 1
template <>
constexpr Word kModulusTail<8> = 0b00011011;  // x^8 + x^4 + x^3 + x + 1, as in AES
template <>
constexpr Word kModulusTail<64> = 0b00011011;  // x^64 + x^4 + x^3 + x + 1

template <int kWidth>
struct BinaryField {
  static_assert(kModulusTail<kWidth> != 0, "no irreducible polynomial is known for this width");

  static constexpr Product kModulus = Product{1} << kWidth | kModulusTail<kWidth>;

  // Of polynomials, without reduction: 2w - 1 bits.
  static constexpr Product Multiply(Word a, Word b) {
    Product product = 0;
    for (int bit = 0; bit < kWidth; ++bit) {
      if (b >> bit & 1) product ^= Product{a} << bit;
    }
    return product;
  }

  static constexpr Word Reduce(Product value) {
    for (int bit = 2 * kWidth - 2; bit >= kWidth; --bit) {
      if (value >> bit & 1) value ^= kModulus << (bit - kWidth);
    }
    return static_cast<Word>(value);
  }

  static constexpr Word MultiplyInField(Word a, Word b) { return Reduce(Multiply(a, b)); }
};

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_REFERENCE_BINARY_FIELD_H_
