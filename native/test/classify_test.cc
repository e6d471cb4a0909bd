// SPDX-License-Identifier: MIT
// The copies that classify makes: the bytes of the sources, inside the stage, disjoint, and none
// for unchanged pages.
#include <gtest/gtest.h>
#include <string.h>

#include <algorithm>
#include <vector>

#include "choices.h"
#include "filter_calls.h"
#include "guarded_memory.h"
#include "handles.h"
#include "random.h"
#include "sanitizers.h"

namespace fakedirty_test {
namespace {

class Copies : public ::testing::TestWithParam<int> {};

// The stage may be filled in any order, but unchanged pages take no room: beyond the room of the
// pages that are kept, at most as many as are fingerprinted together have been used.
void CheckCopies(const Staged& staged, size_t page_size, size_t lanes, const Pages& sources) {
  const uint8_t* const stage = staged.stage.data();
  std::vector<const uint8_t*> used;
  for (size_t i = 0; i < sources.size(); ++i) {
    const auto copy = static_cast<const uint8_t*>(staged.copies[i]);
    ASSERT_EQ(copy == nullptr, staged.verdicts[i] == FAKEDIRTY_UNCHANGED) << i;
    if (!copy) continue;
    ASSERT_GE(copy, stage) << i;
    ASSERT_LE(copy + page_size, stage + staged.stage.size()) << i;
    ASSERT_EQ(memcmp(copy, sources[i], page_size), 0) << i;
    used.push_back(copy);
  }
  if (used.empty()) return;
  std::sort(used.begin(), used.end());
  for (size_t i = 1; i < used.size(); ++i) {
    ASSERT_GE(used[i] - used[i - 1], static_cast<ptrdiff_t>(page_size)) << "copies overlap";
  }
  EXPECT_LE(used.back() - stage, static_cast<ptrdiff_t>((used.size() + lanes) * page_size));
}

TEST_P(Copies, HoldTheSources) {
  Random random(5);
  for (const size_t page_size : kPageSizes) {
    const Hasher hasher = MakeHasher(GetParam(), page_size);
    const size_t lanes = fakedirty_hasher_lanes(hasher.get());
    const size_t pages = 150;
    const Table table = MakeTable(hasher, pages);
    std::vector<uint8_t> guest = random.Bytes(pages * page_size);
    for (const int unchanged_percent : {0, 10, 50, 90, 100}) {
      Indexes index;
      Pages sources;
      for (size_t i = 0; i < pages; ++i) {
        uint8_t* const page = guest.data() + i * page_size;
        if (random.Below(8) == 0) memset(page, 0, page_size);
        index.push_back(i);
        sources.push_back(page);
      }
      Send(table, index, sources);
      for (size_t i = 0; i < pages; ++i) {
        if (static_cast<int>(random.Below(100)) >= unchanged_percent) {
          guest[i * page_size + random.Below(page_size)] ^= 0x10;
        }
      }
      for (size_t i = pages - 1; i > 0; --i) {  // in no order
        const size_t other = random.Below(i + 1);
        std::swap(index[i], index[other]);
        std::swap(sources[i], sources[other]);
      }
      const size_t count = kSlow && page_size > 4096 ? 40 : pages;
      index.resize(count);
      sources.resize(count);
      const Staged staged = Classify(table, page_size, index, sources);
      CheckCopies(staged, page_size, lanes, sources);
      const Seen seen = Check(table, index, sources);
      EXPECT_EQ(staged.verdicts, seen.verdicts);
      for (size_t i = 0; i < count; ++i) {
        ASSERT_EQ(
            memcmp(&staged.fingerprints[i], &seen.fingerprints[i], sizeof(fakedirty_fingerprint)),
            0);
      }
    }
  }
}

// Nothing is read past the ends of a source or written past the ends of the stage.
TEST_P(Copies, StayWithinBounds) {
  const size_t page_size = 4096, pages = 17;
  const Hasher hasher = MakeHasher(GetParam(), page_size);
  const Table table = MakeTable(hasher, pages);
  GuardedMemory source(page_size), stage(pages * page_size);
  Random(6).Fill(source.begin(), page_size);
  source.ForbidWriting();
  Indexes index;
  for (size_t i = 0; i < pages; ++i) index.push_back(i);
  const Pages sources(pages, source.begin());
  Seen seen(pages);
  Pages copies(pages);
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(fakedirty_classify(table.get(), index.data(), sources.data(), pages, stage.begin(),
                                 pages * page_size, copies.data(), seen.verdicts.data(),
                                 seen.fingerprints.data()),
              FAKEDIRTY_OK);
    Commit(table, index, copies, seen.fingerprints);
    EXPECT_EQ(seen.verdicts[0], round == 0 ? FAKEDIRTY_FIRST : FAKEDIRTY_UNCHANGED);
  }
}

TEST_P(Copies, FillTheLargestBatch) {
  const size_t page_size = 1024, pages = FAKEDIRTY_BATCH_MAX;
  const Hasher hasher = MakeHasher(GetParam(), page_size);
  const Table table = MakeTable(hasher, pages);
  std::vector<uint8_t> guest = Random(7).Bytes(page_size + pages);
  Indexes index;
  Pages sources;
  for (size_t i = 0; i < pages; ++i) {
    index.push_back(pages - 1 - i);
    sources.push_back(guest.data() + i);
  }
  const Staged staged = Classify(table, page_size, index, sources);
  EXPECT_EQ(std::count(staged.verdicts.begin(), staged.verdicts.end(), FAKEDIRTY_FIRST), pages);
  CheckCopies(staged, page_size, fakedirty_hasher_lanes(hasher.get()), sources);
  Commit(table, index, staged.copies, staged.fingerprints);
  const Seen again = Check(table, index, sources);
  EXPECT_EQ(std::count(again.verdicts.begin(), again.verdicts.end(), FAKEDIRTY_UNCHANGED), pages);
}

INSTANTIATE_TEST_SUITE_P(Every, Copies, ::testing::ValuesIn(Algorithms()), NameOfAlgorithm);

}  // namespace
}  // namespace fakedirty_test
