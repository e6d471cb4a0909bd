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

// ph128 copies, hashes and tests for zero in one reading, by code of its own for each instruction
// set: it must do what three readings would.
class OneReading : public ::testing::TestWithParam<std::string> {
 protected:
  Hasher Make(size_t page_size) {
    fakedirty_hasher_options options = Options(FAKEDIRTY_PH128, page_size);
    options.target = GetParam().c_str();
    return MakeHasher(options);
  }

  // Pages in batches of three; the stage has no alignment either.
  void Check(const Hasher& hasher, size_t page_size, const Pages& sources) {
    const Table table = MakeTable(hasher, sources.size());
    std::vector<uint8_t> memory(3 * page_size + 64);
    uint8_t* const stage = memory.data() + random_.Below(64);
    for (size_t at = 0; at < sources.size(); at += 3) {
      const size_t count = std::min<size_t>(3, sources.size() - at);
      const uint64_t index[] = {at, at + 1, at + 2};
      Seen seen(count);
      Pages copies(count);
      ASSERT_EQ(
          fakedirty_classify(table.get(), index, &sources[at], count, stage, count * page_size,
                             copies.data(), seen.verdicts.data(), seen.fingerprints.data()),
          FAKEDIRTY_OK);
      for (size_t i = 0; i < count; ++i) {
        ASSERT_NO_FATAL_FAILURE(CheckOne(hasher, page_size, sources[at + i], copies[i],
                                         seen.verdicts[i], seen.fingerprints[i]));
      }
    }
  }

  Random random_{17};

 private:
  void CheckOne(const Hasher& hasher, size_t page_size, const void* source, const void* copy,
                int verdict, const fakedirty_fingerprint& fingerprint) {
    ASSERT_EQ(memcmp(copy, source, page_size), 0);
    const std::vector<uint8_t> zeros(page_size);
    const bool is_zero = memcmp(source, zeros.data(), page_size) == 0;
    ASSERT_EQ(verdict, is_zero ? FAKEDIRTY_ZERO : FAKEDIRTY_FIRST);
    if (is_zero) return;
    uint8_t digest[16];
    ASSERT_EQ(fakedirty_digest(hasher.get(), &source, 1, digest, sizeof(digest)), FAKEDIRTY_OK);
    ASSERT_EQ(memcmp(digest, fingerprint.bytes, sizeof(digest)), 0);
  }
};

TEST_P(OneReading, CopiesAndHashesPagesAnywhere) {
  for (const size_t page_size : kPageSizes) {
    const std::vector<uint8_t> memory = random_.Bytes(4 * page_size + 64);
    Pages sources;
    for (size_t i = 0; i < 16; ++i) {
      sources.push_back(memory.data() + random_.Below(memory.size() - page_size + 1));
    }
    ASSERT_NO_FATAL_FAILURE(Check(Make(page_size), page_size, sources)) << page_size;
  }
}

// A page with a single bit is not zero, wherever it is.
TEST_P(OneReading, FindsEveryBit) {
  const size_t page_size = 1024;
  const Hasher hasher = Make(page_size);
  std::vector<uint8_t> page(page_size);
  ASSERT_NO_FATAL_FAILURE(Check(hasher, page_size, {page.data()}));
  for (size_t byte = 0; byte < page_size; ++byte) {
    page[byte] = static_cast<uint8_t>(1u << byte % 8);
    ASSERT_NO_FATAL_FAILURE(Check(hasher, page_size, {page.data()})) << byte;
    page[byte] = 0;
  }
}

// Prefetching what comes next reads nothing that is not there.
TEST_P(OneReading, StaysWithinBounds) {
  for (const size_t page_size : kPageSizes) {
    GuardedMemory memory(page_size);
    random_.Fill(memory.begin(), page_size);
    memory.ForbidWriting();
    const Pages sources(4, memory.end() - page_size);
    ASSERT_NO_FATAL_FAILURE(Check(Make(page_size), page_size, sources)) << page_size;
  }
}

INSTANTIATE_TEST_SUITE_P(On, OneReading, ::testing::ValuesIn(Targets()), NameOfTarget);

INSTANTIATE_TEST_SUITE_P(Every, Copies, ::testing::ValuesIn(Algorithms()), NameOfAlgorithm);

}  // namespace
}  // namespace fakedirty_test
