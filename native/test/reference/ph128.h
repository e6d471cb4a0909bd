// SPDX-License-Identifier: MIT
// ph128 straight from its definition, for words of any width: the specification of the kernels.
#ifndef FAKEDIRTY_TEST_REFERENCE_PH128_H_
#define FAKEDIRTY_TEST_REFERENCE_PH128_H_

#include <stddef.h>

#include "reference/binary_field.h"

namespace fakedirty_test {

// A page is n pairs of words a[i], b[i] = page[2i], page[2i+1].
// A key is 2n+2 words k, then the two words r, r' for the folds.
template <int kWidth>
struct Ph128 {
  using Field = BinaryField<kWidth>;

  struct Sums {
    Product first, second;  // H and H'
  };
  struct Digest {
    Word first, second;
  };

  static Sums Unfolded(const Word* page, size_t pairs, const Word* k) {
    Sums sums = {0, 0};
    for (size_t i = 0; i < pairs; ++i) {
      const Word a = page[2 * i], b = page[2 * i + 1];
      sums.first ^= Field::Multiply(a ^ k[2 * i], b ^ k[2 * i + 1]);
      sums.second ^= Field::Multiply(a ^ k[2 * i + 2], b ^ k[2 * i + 3]);
    }
    return sums;
  }

  // hi * r + lo, where hi are the bits from x^w on.
  static Word Fold(Product sum, Word r) {
    const Word high = static_cast<Word>(sum >> kWidth);
    const Word low = static_cast<Word>(sum ^ Product{high} << kWidth);
    return Field::MultiplyInField(high, r) ^ low;
  }

  static Digest Hash(const Word* page, size_t pairs, const Word* key) {
    const Sums sums = Unfolded(page, pairs, key);
    const Word* const folds = key + 2 * pairs + 2;
    return {Fold(sums.first, folds[0]), Fold(sums.second, folds[1])};
  }
};

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_REFERENCE_PH128_H_
