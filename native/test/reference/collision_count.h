// SPDX-License-Identifier: MIT
// How many of all keys make two pages collide under ph128 with words of a few bits.
//
// The digests of two pages agree when both halves of their difference fold to zero. The difference
// of H is a sum of one term for each pair of words, which depends on two key words alone; so does
// that of H', each term on the next two key words. Write m[i] for the key words k[2i], k[2i+1] and
// D[i](m) for the difference that pair i makes under them:
//   dH  = D[0](m[0]) + D[1](m[1]) + ... + D[n-1](m[n-1])
//   dH' = D[0](m[1]) + D[1](m[2]) + ... + D[n-1](m[n])
// m[0] occurs in dH alone, m[n] in dH' alone: for each choice of the others, the keys that work are
// (choices of m[0] that work) times (choices of m[n] that work). That counts every key without
// visiting each; ph128_bound_test.cc also visits each, for some pages, to show that it does.
#ifndef FAKEDIRTY_TEST_REFERENCE_COLLISION_COUNT_H_
#define FAKEDIRTY_TEST_REFERENCE_COLLISION_COUNT_H_

#include <array>
#include <vector>

#include "reference/ph128.h"

namespace fakedirty_test {

template <int kWidth>
class CollisionCount {
 public:
  static constexpr Word kWords = Word{1} << kWidth;
  static constexpr size_t kKeyPairs = size_t{1} << (2 * kWidth);
  static constexpr size_t kSums = size_t{1} << (2 * kWidth - 1);  // values of H

  // D(m) of one pair of words, for every m.
  using Difference = std::array<uint16_t, kKeyPairs>;
  // For every v: how many (m, r) make D(m) + v fold to zero.
  using Spread = std::array<uint32_t, kSums>;

  enum class What { kUnfolded, kFolded };

  explicit CollisionCount(What what) {
    for (size_t sum = 0; sum < kSums; ++sum) {
      if (what == What::kUnfolded) {
        vanishing_[sum] = sum == 0;
        continue;
      }
      for (Word r = 0; r < kWords; ++r) vanishing_[sum] += Ph128<kWidth>::Fold(sum, r) == 0;
    }
  }

  // One page has words (a, b), the other (c, d).
  static Difference DifferenceOf(Word a, Word b, Word c, Word d) {
    Difference difference;
    for (Word m = 0; m < kKeyPairs; ++m) {
      const Word k[] = {m / kWords, m % kWords, 0, 0};
      const Word one[] = {a, b}, other[] = {c, d};
      difference[m] = static_cast<uint16_t>(Ph128<kWidth>::Unfolded(one, 1, k).first ^
                                            Ph128<kWidth>::Unfolded(other, 1, k).first);
    }
    return difference;
  }

  Spread SpreadOf(const Difference& difference) const {
    std::array<uint32_t, kSums> times = {};
    for (const uint16_t sum : difference) ++times[sum];
    Spread spread = {};
    for (size_t v = 0; v < kSums; ++v) {
      for (size_t sum = 0; sum < kSums; ++sum) spread[v] += times[sum] * vanishing_[sum ^ v];
    }
    return spread;
  }

  // Pages of two pairs: keys k[0..5] (and r, r' when folded) under which they collide.
  static uint64_t Keys(const Difference& first, const Spread& spread_of_first,
                       const Difference& last, const Spread& spread_of_last) {
    uint64_t keys = 0;
    for (size_t m = 0; m < kKeyPairs; ++m) {
      keys += uint64_t{spread_of_first[last[m]]} * spread_of_last[first[m]];
    }
    return keys;
  }

  // Pages of any number of pairs.
  uint64_t Keys(const std::vector<Difference>& pairs) const {
    return Walk(pairs, SpreadOf(pairs.front()), SpreadOf(pairs.back()), 1, 0, 0);
  }

  // The same for a weaker construction, whose second half uses the key words of the first.
  uint64_t KeysWithoutShift(const Difference& first, const Difference& last) const {
    uint64_t keys = 0;
    for (const uint16_t one : first) {
      for (const uint16_t other : last) {
        const uint64_t vanishing = vanishing_[one ^ other];
        keys += vanishing * vanishing * kKeyPairs;  // m[2] is there and does nothing
      }
    }
    return keys;
  }

 private:
  uint64_t Walk(const std::vector<Difference>& pairs, const Spread& first, const Spread& last,
                size_t i, uint16_t sum, uint16_t shifted_sum) const {
    if (i == pairs.size()) return uint64_t{first[sum]} * last[shifted_sum];
    uint64_t keys = 0;
    for (size_t m = 0; m < kKeyPairs; ++m) {
      keys += Walk(pairs, first, last, i + 1, static_cast<uint16_t>(sum ^ pairs[i][m]),
                   static_cast<uint16_t>(shifted_sum ^ pairs[i - 1][m]));
    }
    return keys;
  }

  std::array<uint32_t, kSums> vanishing_ = {};  // by sum: how many r fold it to zero
};

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_REFERENCE_COLLISION_COUNT_H_
