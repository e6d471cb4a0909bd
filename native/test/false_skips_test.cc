// SPDX-License-Identifier: MIT
// False skips, with the mutant whose fingerprints keep 8 bits (src/core/mutants.h): a verifying
// table prevents and counts each one; in others they happen.
#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

#include "choices.h"
#include "destination_model.h"
#include "filter_calls.h"
#include "handles.h"
#include "random.h"

namespace fakedirty_test {
namespace {

constexpr size_t kPageSize = 1024;
constexpr uint64_t kPages = 32;

// Both ways to read the counter.
uint64_t FalseSkipsOf(const Table& table) {
  const uint64_t false_skips = fakedirty_table_false_skips(table.get());
  EXPECT_EQ(Statistics(table).false_skips, false_skips);
  return false_skips;
}

class FalseSkips : public ::testing::TestWithParam<int> {
 protected:
  // What is left of a fingerprint: the digest's first byte, or another value where that one is
  // reserved. Null for a zero page, whose fingerprint no other page has.
  std::optional<uint8_t> ShortFingerprint(const Contents& page) const {
    if (IsZero(page)) return std::nullopt;
    const void* const pages[] = {page.data()};
    uint8_t digest[FAKEDIRTY_DIGEST_BYTES_MAX];
    EXPECT_EQ(fakedirty_digest(hasher_.get(), pages, 1, digest, sizeof(digest)), FAKEDIRTY_OK);
    return digest[0] ? digest[0] : 0x80;
  }

  // Two different pages with the same fingerprint.
  void FindCollision(Contents* one, Contents* other) {
    Random random(8);
    *one = random.Bytes(kPageSize);
    do {
      *other = random.Bytes(kPageSize);
    } while (ShortFingerprint(*one) != ShortFingerprint(*other));
  }

  const Hasher hasher_ = MakeHasher(GetParam(), kPageSize);
};

TEST_P(FalseSkips, HappenWithoutVerification) {
  Contents one, other;
  FindCollision(&one, &other);
  const Table table = MakeTable(hasher_, 1);
  Send(table, {0}, {one.data()});
  EXPECT_EQ(VerdictOn(table, 0, other.data()), FAKEDIRTY_UNCHANGED);
  const Staged staged = Classify(table, kPageSize, {0}, {other.data()});
  EXPECT_EQ(staged.verdicts[0], FAKEDIRTY_UNCHANGED);
}

TEST_P(FalseSkips, AreReportedAsChangedAndCountedWhenCommitted) {
  Contents one, other;
  FindCollision(&one, &other);
  const Table table = MakeTable(hasher_, 1, FAKEDIRTY_TABLE_VERIFY);
  Send(table, {0}, {one.data()});
  const Staged staged = Classify(table, kPageSize, {0}, {other.data()});
  ASSERT_EQ(staged.verdicts[0], FAKEDIRTY_CHANGED);
  EXPECT_NE(staged.copies[0], nullptr);
  EXPECT_EQ(VerdictOn(table, 0, other.data()), FAKEDIRTY_CHANGED);
  EXPECT_EQ(FalseSkipsOf(table), 0u) << "counted when looked at";
  Commit(table, {0}, staged.copies, staged.fingerprints);
  EXPECT_EQ(FalseSkipsOf(table), 1u);
  EXPECT_EQ(VerdictOn(table, 0, other.data()), FAKEDIRTY_UNCHANGED);
  EXPECT_EQ(VerdictOn(table, 0, one.data()), FAKEDIRTY_CHANGED);
  Send(table, {0}, {other.data()});
  EXPECT_EQ(FalseSkipsOf(table), 1u) << "the same bytes again are no false skip";
}

TEST_P(FalseSkips, AreNotCountedOverUnknownSlots) {
  Contents one, other;
  FindCollision(&one, &other);
  const Table table = MakeTable(hasher_, 1, FAKEDIRTY_TABLE_VERIFY);
  Send(table, {0}, {one.data()});
  ASSERT_EQ(fakedirty_table_invalidate(table.get(), 0, 1), FAKEDIRTY_OK);
  EXPECT_EQ(VerdictOn(table, 0, other.data()), FAKEDIRTY_FIRST);
  Send(table, {0}, {other.data()});
  EXPECT_EQ(FalseSkipsOf(table), 0u);
}

TEST_P(FalseSkips, AreForgotten) {
  Contents one, other;
  FindCollision(&one, &other);
  const Table table = MakeTable(hasher_, 1, FAKEDIRTY_TABLE_VERIFY);
  Send(table, {0}, {one.data()});
  Send(table, {0}, {other.data()});
  ASSERT_EQ(FalseSkipsOf(table), 1u);
  ASSERT_EQ(fakedirty_table_reset(table.get()), FAKEDIRTY_OK);
  EXPECT_EQ(FalseSkipsOf(table), 0u);
}

// A random history: verdicts and count must be those of a model that keeps whole pages.
TEST_P(FalseSkips, AreCountedExactly) {
  const Table table = MakeTable(hasher_, kPages, FAKEDIRTY_TABLE_VERIFY);
  DestinationModel model(kPages);
  std::vector<std::optional<Contents>> held(kPages);
  Random random(21);
  uint64_t false_skips = 0;
  for (int step = 0; step < 10000; ++step) {
    const uint64_t index = random.Below(kPages);
    Contents page(kPageSize);
    if (random.Below(10) > 0) random.Fill(page.data(), kPageSize);
    if (random.Below(10) == 0 && held[index]) page = *held[index];
    const Seen seen = Check(table, {index}, {page.data()});
    ASSERT_EQ(seen.verdicts[0], model.Verdict(index, page)) << step;
    if (random.Below(5) == 0) continue;  // dropped
    if (random.Below(50) == 0) {
      ASSERT_EQ(fakedirty_table_invalidate(table.get(), index, 1), FAKEDIRTY_OK);
      model.Invalidate(index, 1);
      held[index].reset();
    }
    if (held[index] && *held[index] != page &&
        ShortFingerprint(*held[index]) == ShortFingerprint(page)) {
      ++false_skips;
    }
    Commit(table, {index}, {page.data()}, seen.fingerprints);
    model.Receive(index, page);
    held[index] = page;
  }
  EXPECT_EQ(FalseSkipsOf(table), false_skips);
  EXPECT_GT(false_skips, 0u) << "the history was too short to tell";
}

// Somebody asks all the while, as a monitor does, and sees the number only grow. ThreadSanitizer
// finds a race if the counter is not atomic.
TEST_P(FalseSkips, AreReadWhileOthersCommit) {
  Contents one, other;
  FindCollision(&one, &other);
  constexpr uint64_t kEach = 500;
  const Table table = MakeTable(hasher_, 2, FAKEDIRTY_TABLE_VERIFY);
  const auto commit = [&](uint64_t index) {
    const Fingerprints fingerprint = Check(table, {index}, {one.data()}).fingerprints;
    for (uint64_t i = 0; i <= kEach; ++i) {
      Commit(table, {index}, {i % 2 ? one.data() : other.data()}, fingerprint);
    }
  };
  std::thread first(commit, 0), second(commit, 1);
  uint64_t seen = 0;
  while (seen < 2 * kEach) {
    const uint64_t now = fakedirty_table_false_skips(table.get());
    if (now < seen || now > 2 * kEach) break;
    seen = now;
    std::this_thread::yield();
  }
  first.join();
  second.join();
  EXPECT_EQ(seen, 2 * kEach);
}

INSTANTIATE_TEST_SUITE_P(Every, FalseSkips, ::testing::ValuesIn(Algorithms()), NameOfAlgorithm);

}  // namespace
}  // namespace fakedirty_test
