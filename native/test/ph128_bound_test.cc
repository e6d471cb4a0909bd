// SPDX-License-Identifier: MIT
// ph128's collision bound, by counting: with small words, no two pages collide under more keys than
// proven.
//
// With words of w bits the proven bounds are 2^-2w for the unfolded pair (H, H') and
// 4 * 2^-2w for the digest, over a key that is uniformly random.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "random.h"
#include "reference/collision_count.h"
#include "sanitizers.h"

namespace fakedirty_test {
namespace {

template <int kWidth>
struct Bound {
  using Count = CollisionCount<kWidth>;
  using What = typename Count::What;
  using Difference = typename Count::Difference;
  using Spread = typename Count::Spread;

  // How many keys there are: k[0..2n+1] and, if folded, r and r'.
  static uint64_t Keys(What what, size_t pairs) {
    const uint64_t all = uint64_t{1} << (kWidth * (2 * pairs + 2));
    return what == What::kUnfolded ? all >> (2 * kWidth)
                                   : (all << (2 * kWidth)) * 4 >> (2 * kWidth);
  }
};

// A pair of words in each of two pages.
struct WordPairs {
  Word a, b, c, d;
};

template <int kWidth>
typename CollisionCount<kWidth>::Difference DifferenceOf(const WordPairs& words) {
  return CollisionCount<kWidth>::DifferenceOf(words.a, words.b, words.c, words.d);
}

constexpr size_t kTwoPairs = 2;

// Compares all pages of two pairs of 3-bit words. Many word pairs have the same difference under
// every key; those are counted once.
void CheckAllPages(CollisionCount<3>::What what, bool bound_is_met) {
  using Count = CollisionCount<3>;
  std::set<Count::Difference> distinct;
  for (Word a = 0; a < 8; ++a) {
    for (Word b = 0; b < 8; ++b) {
      for (Word c = 0; c < 8; ++c) {
        for (Word d = 0; d < 8; ++d) distinct.insert(Count::DifferenceOf(a, b, c, d));
      }
    }
  }
  const Count count(what);
  const std::vector<Count::Difference> differences(distinct.begin(), distinct.end());
  std::vector<Count::Spread> spreads;
  for (const auto& difference : differences) spreads.push_back(count.SpreadOf(difference));
  const Count::Difference none = Count::DifferenceOf(0, 0, 0, 0);
  const size_t stride = kSlow ? 7 : 1;
  uint64_t most = 0;
  for (size_t i = 0; i < differences.size(); i += stride) {
    for (size_t j = 0; j < differences.size(); ++j) {
      if (differences[i] == none && differences[j] == none) continue;  // the same page
      most = std::max(most, Count::Keys(differences[i], spreads[i], differences[j], spreads[j]));
    }
  }
  const uint64_t bound = Bound<3>::Keys(what, kTwoPairs);
  EXPECT_LE(most, bound);
  if (bound_is_met) {
    EXPECT_EQ(most, bound);
  }
}

TEST(Ph128Bound, NoTwoPagesOfThreeBitWordsExceedItUnfoldedAndSomeMeetIt) {
  CheckAllPages(CollisionCount<3>::What::kUnfolded, true);
}

TEST(Ph128Bound, NoTwoPagesOfThreeBitWordsExceedItFolded) {
  CheckAllPages(CollisionCount<3>::What::kFolded, false);
}

// Difficult pages: they differ only in the first or the last pair, in one word or one bit, or by
// words swapped within a pair or between pairs; and random pages.
template <int kWidth>
std::vector<std::vector<WordPairs>> DifficultPages(size_t pairs, int random_pages) {
  constexpr Word kWords = Word{1} << kWidth;
  Random random(kWidth);
  std::vector<std::vector<WordPairs>> pages;
  for (int round = 0; round < random_pages; ++round) {
    std::vector<WordPairs> same(pairs), different(pairs);
    for (size_t i = 0; i < pairs; ++i) {
      same[i].a = same[i].c = random.Below(kWords);
      same[i].b = same[i].d = random.Below(kWords);
      different[i] = {random.Below(kWords), random.Below(kWords), random.Below(kWords),
                      random.Below(kWords)};
    }
    pages.push_back(different);
    for (const size_t pair : {size_t{0}, pairs / 2, pairs - 1}) {
      auto one_pair = same, one_word = same, one_bit = same, swapped = same;
      one_pair[pair] = different[pair];
      one_word[pair].c ^= 1 + random.Below(kWords - 1);
      one_bit[pair].d ^= Word{1} << random.Below(kWidth);
      std::swap(swapped[pair].c, swapped[pair].d);
      pages.insert(pages.end(), {one_pair, one_word, one_bit, swapped});
    }
    auto exchanged = same;
    std::swap(exchanged.front().c, exchanged.back().c);
    std::swap(exchanged.front().d, exchanged.back().d);
    pages.push_back(exchanged);
  }
  return pages;
}

bool AreTheSame(const std::vector<WordPairs>& pages) {
  return std::all_of(pages.begin(), pages.end(), [](const WordPairs& words) {
    return words.a == words.c && words.b == words.d;
  });
}

template <int kWidth>
void CheckDifficultPages(size_t pairs, int random_pages) {
  using Count = CollisionCount<kWidth>;
  for (const auto what : {Count::What::kUnfolded, Count::What::kFolded}) {
    const Count count(what);
    const uint64_t bound = Bound<kWidth>::Keys(what, pairs);
    for (const auto& pages : DifficultPages<kWidth>(pairs, random_pages)) {
      if (AreTheSame(pages)) continue;
      std::vector<typename Count::Difference> differences;
      for (const WordPairs& words : pages) differences.push_back(DifferenceOf<kWidth>(words));
      ASSERT_LE(count.Keys(differences), bound);
    }
  }
}

TEST(Ph128Bound, HoldsForDifficultPagesOfThreePairs) { CheckDifficultPages<3>(3, Scaled(2000)); }

TEST(Ph128Bound, HoldsForDifficultPagesOfFourBitWords) { CheckDifficultPages<4>(2, Scaled(1000)); }

// Visits every key and computes every digest with the reference. This is slow, so only for a few
// pages.
TEST(Ph128Bound, IsCountedAsByVisitingEveryKey) {
  using Count = CollisionCount<3>;
  const WordPairs tried[][kTwoPairs] = {
      {{1, 2, 3, 4}, {5, 6, 7, 0}}, {{0, 0, 1, 0}, {0, 0, 0, 0}}, {{3, 5, 3, 5}, {2, 4, 4, 2}}};
  const Count unfolded(Count::What::kUnfolded), folded(Count::What::kFolded);
  for (const auto& pages : tried) {
    const Word one[] = {pages[0].a, pages[0].b, pages[1].a, pages[1].b};
    const Word other[] = {pages[0].c, pages[0].d, pages[1].c, pages[1].d};
    uint64_t equal_sums = 0, equal_digests = 0;
    for (Word bits = 0; bits < Word{1} << 18; ++bits) {
      Word k[6];
      for (int i = 0; i < 6; ++i) k[i] = bits >> (3 * i) & 7;
      const auto sums = Ph128<3>::Unfolded(one, kTwoPairs, k);
      const auto others = Ph128<3>::Unfolded(other, kTwoPairs, k);
      equal_sums += sums.first == others.first && sums.second == others.second;
      uint64_t first = 0, second = 0;  // r and r' under which the folded halves agree
      for (Word r = 0; r < 8; ++r) {
        first += Ph128<3>::Fold(sums.first, r) == Ph128<3>::Fold(others.first, r);
        second += Ph128<3>::Fold(sums.second, r) == Ph128<3>::Fold(others.second, r);
      }
      equal_digests += first * second;
    }
    const std::vector<Count::Difference> differences = {DifferenceOf<3>(pages[0]),
                                                        DifferenceOf<3>(pages[1])};
    EXPECT_EQ(unfolded.Keys(differences), equal_sums);
    EXPECT_EQ(folded.Keys(differences), equal_digests);
    EXPECT_EQ(unfolded.Keys(differences[0], unfolded.SpreadOf(differences[0]), differences[1],
                            unfolded.SpreadOf(differences[1])),
              equal_sums);
  }
}

// Shows that the test can fail: without the shift, both halves collide under the same keys.
TEST(Ph128Bound, IsExceededWithoutTheShift) {
  using Count = CollisionCount<3>;
  for (const auto what : {Count::What::kUnfolded, Count::What::kFolded}) {
    uint64_t most = 0;
    for (const auto& pages : DifficultPages<3>(kTwoPairs, 20)) {
      if (AreTheSame(pages)) continue;
      most = std::max(
          most, Count(what).KeysWithoutShift(DifferenceOf<3>(pages[0]), DifferenceOf<3>(pages[1])));
    }
    EXPECT_GT(most, Bound<3>::Keys(what, kTwoPairs));
  }
}

}  // namespace
}  // namespace fakedirty_test
