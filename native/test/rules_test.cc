// SPDX-License-Identifier: MIT
// The rules R1, R5 and R6. This file is also linked with the mutants that break one of them each
// (src/core/mutants.h): with those its tests must fail.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "busy_guest.h"
#include "choices.h"
#include "filter_calls.h"
#include "handles.h"
#include "random.h"
#include "sanitizers.h"

namespace fakedirty_test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// The guest writes memory while the migration reads it: a race by design.
#define SKIP_UNDER_THREAD_SANITIZER() \
  if (kThreadSanitizer) GTEST_SKIP() << "guest memory is written while it is read, on purpose"

// With each instruction set: copying is part of their code.
TEST(Rules, R1EveryFingerprintIsThatOfTheCopy) {
  SKIP_UNDER_THREAD_SANITIZER();
  for (const std::string& target : Targets()) {
    BusyGuest guest;
    Migration migration(&guest, target);
    guest.Start();
    const auto start = Clock::now();
    // Runs long enough to be meaningful on a loaded machine; ends at once when it fails.
    while (migration.foreign_fingerprints() == 0 && Clock::now() < start + milliseconds(4000) &&
           (migration.sent() < 5000 || Clock::now() < start + milliseconds(300))) {
      migration.Pass();
    }
    EXPECT_EQ(migration.foreign_fingerprints(), 0u) << target;
    EXPECT_GT(migration.sent(), BusyGuest::kPages) << "the guest never wrote";
  }
}

TEST(Rules, R1TheDestinationEndsAsTheSource) {
  SKIP_UNDER_THREAD_SANITIZER();
  BusyGuest guest;
  Migration migration(&guest, Targets()[0]);
  for (int round = 0; round < 40; ++round) {
    guest.Start();
    const auto start = Clock::now();
    while (Clock::now() < start + milliseconds(20)) migration.Pass();
    guest.Stop();
    migration.Pass();  // what is still marked
    ASSERT_TRUE(migration.DestinationIsRight()) << "after " << round << " rounds";
  }
  EXPECT_GT(migration.unchanged(), 0u) << "no page was ever fake dirty";
}

constexpr size_t kPageSize = 1024;

TEST(Rules, R5ResetLeavesNoSlot) {
  for (const uint32_t flags : {0u, FAKEDIRTY_TABLE_VERIFY}) {
    const Hasher hasher = MakeHasher(FAKEDIRTY_PH128, kPageSize);
    const Table table = MakeTable(hasher, 1000, flags);
    const std::vector<uint8_t> zeros(kPageSize), page = Random(1).Bytes(kPageSize);
    for (uint64_t i = 0; i < 1000; ++i) Send(table, {i}, {i % 3 ? page.data() : zeros.data()});
    ASSERT_EQ(Statistics(table).unknown, 0u);
    ASSERT_EQ(fakedirty_table_reset(table.get()), FAKEDIRTY_OK);
    const fakedirty_statistics statistics = Statistics(table);
    EXPECT_EQ(statistics.unknown, 1000u);
    EXPECT_EQ(statistics.zero, 0u);
    EXPECT_EQ(statistics.known, 0u);
    EXPECT_EQ(statistics.false_skips, 0u);
  }
}

// A migration fails, and another to a new destination starts, which holds nothing yet.
TEST(Rules, R5AnotherDestinationGetsEverything) {
  const Hasher hasher = MakeHasher(FAKEDIRTY_PH128, kPageSize);
  const Table table = MakeTable(hasher, 2);
  const std::vector<uint8_t> zeros(kPageSize), page = Random(1).Bytes(kPageSize);
  const Indexes index = {0, 1};
  const Pages guest = {page.data(), zeros.data()};
  for (int destination = 0; destination < 3; ++destination) {
    const Staged staged = Classify(table, kPageSize, index, guest);
    ASSERT_EQ(staged.verdicts[0], FAKEDIRTY_FIRST);
    ASSERT_EQ(staged.verdicts[1], FAKEDIRTY_ZERO);
    Commit(table, index, staged.copies, staged.fingerprints);
    ASSERT_EQ(fakedirty_table_reset(table.get()), FAKEDIRTY_OK);
  }
}

// Two threads commit to interleaved slots, each to its own, and check that they stay.
TEST(Rules, R6NeighboursKeepWhatTheyCommitted) {
  constexpr size_t kThreads = 2, kSlotsOfOne = 16;
  const Hasher hasher = MakeHasher(FAKEDIRTY_PH128, kPageSize);
  const Table table = MakeTable(hasher, kThreads * kSlotsOfOne);
  const std::vector<uint8_t> contents[] = {Random(1).Bytes(kPageSize), Random(2).Bytes(kPageSize)};
  std::atomic<size_t> ready{0};
  std::atomic<uint64_t> lost{0}, rounds{0};
  const auto work = [&](size_t thread) {
    Indexes index;
    for (size_t i = 0; i < kSlotsOfOne; ++i) index.push_back(i * kThreads + thread);
    Pages pages[2];
    Fingerprints fingerprints[2];
    for (int which = 0; which < 2; ++which) {
      pages[which].assign(kSlotsOfOne, contents[which].data());
      fingerprints[which] = Check(table, index, pages[which]).fingerprints;
    }
    Seen seen(kSlotsOfOne);
    for (++ready; ready < kThreads;) std::this_thread::yield();
    const auto start = Clock::now();
    for (uint64_t round = 0; lost == 0 && Clock::now() < start + milliseconds(1500); ++round) {
      const size_t which = round % 2;
      int status = fakedirty_commit(table.get(), index.data(), pages[which].data(),
                                    fingerprints[which].data(), kSlotsOfOne);
      if (status == FAKEDIRTY_OK) {
        status = fakedirty_check(table.get(), index.data(), pages[which].data(), kSlotsOfOne,
                                 seen.verdicts.data(), seen.fingerprints.data());
      }
      for (const uint8_t verdict : seen.verdicts) {
        lost += status != FAKEDIRTY_OK || verdict != FAKEDIRTY_UNCHANGED;
      }
      ++rounds;
    }
  };
  std::thread neighbour(work, 1);
  work(0);
  neighbour.join();
  EXPECT_EQ(lost, 0u) << "slots lost in " << rounds << " rounds";
}

}  // namespace
}  // namespace fakedirty_test
