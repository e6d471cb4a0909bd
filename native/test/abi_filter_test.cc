// SPDX-License-Identifier: MIT
// Each wrong argument of check, classify and commit returns its own error, and nothing is written.
#include <gtest/gtest.h>
#include <string.h>

#include <vector>

#include "choices.h"
#include "filter_calls.h"
#include "handles.h"
#include "random.h"

namespace fakedirty_test {
namespace {

constexpr size_t kPageSize = 1024;
constexpr uint64_t kTablePages = 8;
constexpr size_t kCount = 3;

// The arguments of the three calls, valid until a test spoils one.
class FilterAbi : public ::testing::TestWithParam<uint32_t> {
 protected:
  FilterAbi() {
    Random random(3);
    for (size_t i = 0; i < kCount; ++i) pages_.push_back(memory_.data() + i * kPageSize);
    random.Fill(memory_.data(), memory_.size());
    Send(table_, {1, 2}, {pages_[0], pages_[1]});
    before_ = Statistics(table_);
    memset(fingerprints_.data(), kUntouched, kCount * sizeof(fakedirty_fingerprint));
    a_.table = table_.get();
    a_.index = index_.data();
    a_.pages = pages_.data();
    a_.stage = stage_.data();
    a_.stage_bytes = kCount * kPageSize;
    a_.copies = copies_.data();
    a_.verdicts = verdicts_.data();
    a_.fingerprints = fingerprints_.data();
  }

  struct Arguments {
    fakedirty_table* table;
    const uint64_t* index;
    const void* const* pages;
    size_t count = kCount;
    void* stage;
    size_t stage_bytes;
    const void** copies;
    uint8_t* verdicts;
    fakedirty_fingerprint* fingerprints;
  };

  int Check(const Arguments& a) {
    return Unchanged(
        fakedirty_check(a.table, a.index, a.pages, a.count, a.verdicts, a.fingerprints));
  }
  int Classify(const Arguments& a) {
    return Unchanged(fakedirty_classify(a.table, a.index, a.pages, a.count, a.stage, a.stage_bytes,
                                        a.copies, a.verdicts, a.fingerprints));
  }
  int Commit(const Arguments& a) {
    return Unchanged(fakedirty_commit(a.table, a.index, a.pages, a.fingerprints, a.count));
  }
  // Expects this status from all three.
  void ExpectOfAll(int status, const Arguments& a) {
    EXPECT_EQ(Check(a), status);
    EXPECT_EQ(Classify(a), status);
    EXPECT_EQ(Commit(a), status);
  }

  static constexpr uint8_t kUntouched = 0xC3;
  const Hasher hasher_ = MakeHasher(FAKEDIRTY_PH128, kPageSize);
  const Table table_ = MakeTable(hasher_, kTablePages, GetParam());
  std::vector<uint8_t> memory_ = std::vector<uint8_t>(kCount * kPageSize);
  Pages pages_;
  Indexes index_ = {0, 1, 7};
  std::vector<uint8_t> stage_ = std::vector<uint8_t>(kCount * kPageSize, kUntouched);
  Pages copies_ = Pages(kCount, this);
  std::vector<uint8_t> verdicts_ = std::vector<uint8_t>(kCount, kUntouched);
  Fingerprints fingerprints_ = Fingerprints(kCount);
  Arguments a_;

 private:
  int Unchanged(int status) {
    if (status == FAKEDIRTY_OK) return status;
    EXPECT_EQ(stage_, std::vector<uint8_t>(stage_.size(), kUntouched));
    EXPECT_EQ(copies_, Pages(kCount, this));
    EXPECT_EQ(verdicts_, std::vector<uint8_t>(kCount, kUntouched));
    fakedirty_fingerprint untouched;
    memset(untouched.bytes, kUntouched, sizeof(untouched.bytes));
    for (const fakedirty_fingerprint& fingerprint : fingerprints_) {
      EXPECT_EQ(memcmp(fingerprint.bytes, untouched.bytes, sizeof(untouched.bytes)), 0);
    }
    const fakedirty_statistics after = Statistics(table_);
    EXPECT_EQ(memcmp(&after, &before_, sizeof(after)), 0) << "the table was written";
    return status;
  }

  fakedirty_statistics before_;
};

TEST_P(FilterAbi, SucceedsWithValidArguments) { ExpectOfAll(FAKEDIRTY_OK, a_); }

TEST_P(FilterAbi, NeedsATable) {
  a_.table = nullptr;
  ExpectOfAll(FAKEDIRTY_ERROR_NULL, a_);
  a_.count = 0;
  ExpectOfAll(FAKEDIRTY_ERROR_NULL, a_);
}

TEST_P(FilterAbi, NeedsPageNumbers) {
  a_.index = nullptr;
  ExpectOfAll(FAKEDIRTY_ERROR_NULL, a_);
}

TEST_P(FilterAbi, NeedsFingerprints) {
  a_.fingerprints = nullptr;
  ExpectOfAll(FAKEDIRTY_ERROR_NULL, a_);
}

TEST_P(FilterAbi, NeedsVerdictsCopiesAndAStage) {
  Arguments a = a_;
  a.verdicts = nullptr;
  EXPECT_EQ(Check(a), FAKEDIRTY_ERROR_NULL);
  EXPECT_EQ(Classify(a), FAKEDIRTY_ERROR_NULL);
  a = a_;
  a.copies = nullptr;
  EXPECT_EQ(Classify(a), FAKEDIRTY_ERROR_NULL);
  a = a_;
  a.stage = nullptr;
  EXPECT_EQ(Classify(a), FAKEDIRTY_ERROR_NULL);
}

TEST_P(FilterAbi, NeedsPages) {
  const int commits = GetParam() & FAKEDIRTY_TABLE_VERIFY ? FAKEDIRTY_ERROR_NULL : FAKEDIRTY_OK;
  for (size_t at = 0; at < kCount; ++at) {
    Pages holed = pages_;
    holed[at] = nullptr;
    Arguments a = a_;
    a.pages = holed.data();
    EXPECT_EQ(Check(a), FAKEDIRTY_ERROR_NULL);
    EXPECT_EQ(Classify(a), FAKEDIRTY_ERROR_NULL);
  }
  a_.pages = nullptr;
  EXPECT_EQ(Check(a_), FAKEDIRTY_ERROR_NULL);
  EXPECT_EQ(Classify(a_), FAKEDIRTY_ERROR_NULL);
  EXPECT_EQ(Commit(a_), commits);
}

TEST_P(FilterAbi, CommitNeedsPagesOnlyToVerify) {
  Pages holed = {pages_[0], nullptr, pages_[2]};
  a_.pages = holed.data();
  const int commits = GetParam() & FAKEDIRTY_TABLE_VERIFY ? FAKEDIRTY_ERROR_NULL : FAKEDIRTY_OK;
  EXPECT_EQ(Commit(a_), commits);
}

TEST_P(FilterAbi, RefusesHugeCounts) {
  for (const size_t count : {size_t{FAKEDIRTY_BATCH_MAX} + 1, SIZE_MAX / kPageSize + 2, SIZE_MAX}) {
    a_.count = count;
    a_.stage_bytes = SIZE_MAX;
    ExpectOfAll(FAKEDIRTY_ERROR_COUNT, a_);
  }
}

TEST_P(FilterAbi, RefusesPageNumbersPastTheEnd) {
  for (size_t at = 0; at < kCount; ++at) {
    for (const uint64_t wrong :
         {kTablePages, kTablePages + 1, UINT64_MAX, UINT64_MAX / 16 + 1, uint64_t{1} << 63}) {
      const Indexes right = index_;
      index_[at] = wrong;
      ExpectOfAll(FAKEDIRTY_ERROR_INDEX, a_);
      index_ = right;
      a_.index = index_.data();
    }
  }
}

TEST_P(FilterAbi, RefusesASmallStage) {
  for (const size_t room :
       {size_t{0}, size_t{1}, kPageSize, kCount * kPageSize - kPageSize, kCount * kPageSize - 1}) {
    a_.stage_bytes = room;
    EXPECT_EQ(Classify(a_), FAKEDIRTY_ERROR_CAPACITY) << room;
  }
}

TEST_P(FilterAbi, RefusesSourcesInTheStage) {
  for (size_t at = 0; at < kCount; ++at) {
    for (const size_t offset : {size_t{0}, size_t{1}, kPageSize, 2 * kPageSize}) {
      Pages inside = pages_;
      inside[at] = stage_.data() + offset;
      a_.pages = inside.data();
      EXPECT_EQ(Classify(a_), FAKEDIRTY_ERROR_OVERLAP) << offset;
    }
  }
}

// The stage lies in the middle of a buffer. Some sources reach into it by one byte, others end just
// before it.
TEST_P(FilterAbi, RefusesSourcesThatReachIntoTheStage) {
  std::vector<uint8_t> buffer((kCount + 2) * kPageSize, 9);
  uint8_t* const stage = buffer.data() + kPageSize;
  a_.stage = stage;
  Pages reaching = pages_;
  a_.pages = reaching.data();
  for (const ptrdiff_t offset : {ptrdiff_t{1} - static_cast<ptrdiff_t>(kPageSize),
                                 static_cast<ptrdiff_t>(kCount * kPageSize) - 1}) {
    reaching[1] = stage + offset;
    EXPECT_EQ(Classify(a_), FAKEDIRTY_ERROR_OVERLAP) << offset;
  }
  for (const ptrdiff_t offset :
       {-static_cast<ptrdiff_t>(kPageSize), static_cast<ptrdiff_t>(kCount * kPageSize)}) {
    reaching[1] = stage + offset;
    EXPECT_EQ(Classify(a_), FAKEDIRTY_OK) << offset;
  }
}

// If copies replaced their sources in one array, the list of sources would be overwritten while it
// is read.
TEST_P(FilterAbi, RefusesOneArrayForSourcesAndCopies) {
  a_.copies = pages_.data();
  EXPECT_EQ(Classify(a_), FAKEDIRTY_ERROR_OVERLAP);
  Pages both = pages_;
  both.resize(2 * kCount, this);
  a_.pages = both.data();
  for (size_t shift = 1; shift < kCount; ++shift) {
    a_.copies = both.data() + shift;
    EXPECT_EQ(Classify(a_), FAKEDIRTY_ERROR_OVERLAP) << shift;
  }
  a_.copies = both.data() + kCount;
  EXPECT_EQ(Classify(a_), FAKEDIRTY_OK);
}

TEST_P(FilterAbi, RefusesOutputsThatShareMemory) {
  const auto in_fingerprints = reinterpret_cast<uint8_t*>(fingerprints_.data());
  for (const size_t offset : {size_t{0}, kCount * sizeof(fakedirty_fingerprint) - 1}) {
    Arguments a = a_;
    a.verdicts = in_fingerprints + offset;
    EXPECT_EQ(Check(a), FAKEDIRTY_ERROR_OVERLAP);
    EXPECT_EQ(Classify(a), FAKEDIRTY_ERROR_OVERLAP);
  }
  uint8_t* const places[] = {stage_.data(), stage_.data() + stage_.size() - kCount};
  for (uint8_t* const place : places) {
    Arguments a = a_;
    a.verdicts = place;
    EXPECT_EQ(Classify(a), FAKEDIRTY_ERROR_OVERLAP);
  }
  Arguments a = a_;
  a.fingerprints = reinterpret_cast<fakedirty_fingerprint*>(stage_.data() + kPageSize);
  EXPECT_EQ(Classify(a), FAKEDIRTY_ERROR_OVERLAP);
  a = a_;
  a.copies = reinterpret_cast<const void**>(stage_.data());
  EXPECT_EQ(Classify(a), FAKEDIRTY_ERROR_OVERLAP);
}

TEST_P(FilterAbi, RefusesToWriteOverPageNumbers) {
  const Indexes right = index_;
  const auto numbers = reinterpret_cast<uint8_t*>(index_.data());
  Arguments a = a_;
  a.verdicts = numbers;
  EXPECT_EQ(Check(a), FAKEDIRTY_ERROR_OVERLAP);
  EXPECT_EQ(Classify(a), FAKEDIRTY_ERROR_OVERLAP);
  a = a_;
  a.fingerprints = reinterpret_cast<fakedirty_fingerprint*>(numbers);
  EXPECT_EQ(Check(a), FAKEDIRTY_ERROR_OVERLAP);
  EXPECT_EQ(Classify(a), FAKEDIRTY_ERROR_OVERLAP);
  EXPECT_EQ(index_, right);
}

TEST_P(FilterAbi, OfZeroPagesNeedsOnlyATable) {
  Arguments a = {};
  a.table = table_.get();
  a.count = 0;
  ExpectOfAll(FAKEDIRTY_OK, a);
}

INSTANTIATE_TEST_SUITE_P(Every, FilterAbi, ::testing::Values(0u, FAKEDIRTY_TABLE_VERIFY),
                         [](const auto& info) { return info.param ? "verifying" : "plain"; });

}  // namespace
}  // namespace fakedirty_test
