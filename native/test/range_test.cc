// SPDX-License-Identifier: MIT
// Invalidating ranges of slots and resetting whole tables, on both sides of where operating-system
// pages end.
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <vector>

#include "choices.h"
#include "filter_calls.h"
#include "handles.h"
#include "random.h"
#include "sanitizers.h"
#include "src/core/table.h"

namespace fakedirty_test {
namespace {

constexpr size_t kPageSize = 1024;

class Range : public ::testing::TestWithParam<int> {
 protected:
  // Enough slots to fill four operating-system pages and a part of the fifth.
  size_t SlotsInPage() const {
    return static_cast<size_t>(sysconf(_SC_PAGESIZE)) / DigestBytes(GetParam());
  }
  size_t pages() const { return 4 * SlotsInPage() + SlotsInPage() / 3; }

  void Fill(const Table& table) {
    Indexes index;
    for (size_t i = 0; i < pages(); ++i) index.push_back(i);
    const Pages sent(pages(), page_.data());
    Commit(table, index, sent,
           Fingerprints(pages(), Check(table, {0}, {page_.data()}).fingerprints[0]));
  }

  // Exactly the slots of the range are unknown.
  void CheckUnknown(const Table& table, uint64_t first, uint64_t count) {
    const fakedirty_statistics statistics = Statistics(table);
    ASSERT_EQ(statistics.unknown, count);
    ASSERT_EQ(statistics.known, pages() - count);
    for (const uint64_t at : {first - 1, first, first + count - 1, first + count}) {
      if (at >= pages() || count == 0) continue;
      const bool inside = at >= first && at - first < count;
      ASSERT_EQ(VerdictOn(table, at, page_.data()), inside ? FAKEDIRTY_FIRST : FAKEDIRTY_UNCHANGED)
          << "slot " << at << " after invalidating " << count << " from " << first;
    }
  }

  const std::vector<uint8_t> page_ = Random(4).Bytes(kPageSize);
  const Hasher hasher_ = MakeHasher(GetParam(), kPageSize);
};

TEST_P(Range, IsInvalidatedExactly) {
  const Table table = MakeTable(hasher_, pages());
  // Around the ends of operating-system pages, and at the ends of the table.
  std::set<uint64_t> edges = {0, 1, pages() - 1, pages()};
  for (size_t os_page = 1; os_page <= 4; ++os_page) {
    const size_t bytes = os_page * static_cast<size_t>(sysconf(_SC_PAGESIZE));
    for (const size_t slot : {bytes / DigestBytes(GetParam()) - 1, bytes / DigestBytes(GetParam()),
                              bytes / DigestBytes(GetParam()) + 1}) {
      edges.insert(slot);
    }
  }
  int rounds = 0;
  for (const uint64_t first : edges) {
    for (const uint64_t end : edges) {
      if (end < first || (kSanitizer && ++rounds % 7 != 0)) continue;
      Fill(table);
      ASSERT_EQ(fakedirty_table_invalidate(table.get(), first, end - first), FAKEDIRTY_OK);
      ASSERT_NO_FATAL_FAILURE(CheckUnknown(table, first, end - first));
    }
  }
}

// Whole chunks are given back, their neighbours are not touched, and chunks that were never written
// are passed over.
TEST_P(Range, IsInvalidatedExactlyAtTheEndsOfChunks) {
  constexpr uint64_t kChunk = fakedirty::WrittenChunks::kSlots;
  const uint64_t all = 4 * kChunk + 100;
  const std::set<uint64_t> edges = {0,          1,          kChunk - 1, kChunk,
                                    kChunk + 1, 2 * kChunk, all / 2,    3 * kChunk,
                                    4 * kChunk, all - 1,    all};
  const auto fingerprint = Check(MakeTable(hasher_, 1), {0}, {page_.data()}).fingerprints[0];
  for (const uint64_t first : edges) {
    for (const uint64_t end : edges) {
      if (end <= first) continue;
      const Table table = MakeTable(hasher_, all);
      Indexes index;  // both ends of each chunk but the third
      for (const uint64_t edge : edges) {
        for (const uint64_t slot : {edge - 1, edge}) {
          if (slot < all && slot / kChunk != 2) index.push_back(slot);
        }
      }
      Commit(table, index, Pages(index.size(), page_.data()),
             Fingerprints(index.size(), fingerprint));
      ASSERT_EQ(fakedirty_table_invalidate(table.get(), first, end - first), FAKEDIRTY_OK);
      for (const uint64_t slot : index) {
        const bool inside = slot >= first && slot < end;
        ASSERT_EQ(VerdictOn(table, slot, page_.data()),
                  inside ? FAKEDIRTY_FIRST : FAKEDIRTY_UNCHANGED)
            << "slot " << slot << " after invalidating " << first << " to " << end;
      }
    }
  }
}

// An old copy must not be mistaken for what the destination holds.
TEST_P(Range, IsInvalidatedInAVerifyingTable) {
  const Table table = MakeTable(hasher_, pages(), FAKEDIRTY_TABLE_VERIFY);
  Fill(table);
  ASSERT_EQ(fakedirty_table_invalidate(table.get(), 3, SlotsInPage() + 5), FAKEDIRTY_OK);
  CheckUnknown(table, 3, SlotsInPage() + 5);
  Fill(table);
  EXPECT_EQ(Statistics(table).known, pages());
  EXPECT_EQ(Statistics(table).false_skips, 0u);
}

TEST_P(Range, OfAllSlotsIsForgotten) {
  for (const uint32_t flags : {0u, FAKEDIRTY_TABLE_VERIFY}) {
    const Table table = MakeTable(hasher_, pages(), flags);
    CheckUnknown(table, 0, pages());
    Fill(table);
    CheckUnknown(table, 0, 0);
    ASSERT_EQ(fakedirty_table_reset(table.get()), FAKEDIRTY_OK);
    CheckUnknown(table, 0, pages());
    Fill(table);
    CheckUnknown(table, 0, 0);
  }
}

// A few slots, far apart, at the ends of operating-system pages and of the chunks that are skipped
// when nothing in them was written.
TEST_P(Range, IsCountedWhereverItWasWritten) {
  constexpr uint64_t kChunk = fakedirty::WrittenChunks::kSlots;
  const uint64_t past = 7 * kChunk + 100;
  const Table table = MakeTable(hasher_, past);
  const std::vector<uint8_t> zeros(kPageSize);
  std::set<uint64_t> written = {0, past - 1};
  for (const uint64_t edge :
       {1 * SlotsInPage(), 3 * SlotsInPage(), kChunk, 2 * kChunk, 3 * kChunk, 5 * kChunk}) {
    written.insert({edge - 1, edge, edge + 1});
  }
  for (const uint64_t slot : written) Send(table, {slot}, {slot % 3 ? page_.data() : zeros.data()});
  const auto check = [&] {
    const fakedirty_statistics statistics = Statistics(table);
    uint64_t zero = 0;
    for (const uint64_t slot : written) zero += slot % 3 == 0;
    EXPECT_EQ(statistics.zero, zero);
    EXPECT_EQ(statistics.known, written.size() - zero);
  };
  check();
  const struct {
    uint64_t first, end;
  } forgotten[] = {{kChunk, 2 * kChunk},
                   {2 * kChunk, 2 * kChunk + 1},
                   {3 * kChunk - 1, 3 * kChunk},
                   {5 * kChunk + 1, past}};
  for (const auto& range : forgotten) {
    ASSERT_EQ(fakedirty_table_invalidate(table.get(), range.first, range.end - range.first),
              FAKEDIRTY_OK);
    written.erase(written.lower_bound(range.first), written.lower_bound(range.end));
    check();
  }
}

TEST_P(Range, TakesTheBytesThatCountReports) {
  EXPECT_EQ(Statistics(MakeTable(hasher_, 1000)).bytes, 1000 * DigestBytes(GetParam()));
  EXPECT_EQ(Statistics(MakeTable(hasher_, 1000, FAKEDIRTY_TABLE_VERIFY)).bytes,
            1000 * (DigestBytes(GetParam()) + kPageSize));
}

INSTANTIATE_TEST_SUITE_P(Every, Range, ::testing::ValuesIn(Algorithms()), NameOfAlgorithm);

}  // namespace
}  // namespace fakedirty_test
