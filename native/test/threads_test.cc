// SPDX-License-Identifier: MIT
// Threads that share a table but no page, without a lock. ThreadSanitizer finds the most here.
#include <gtest/gtest.h>
#include <string.h>

#include <atomic>
#include <thread>
#include <tuple>
#include <vector>

#include "choices.h"
#include "destination_model.h"
#include "filter_calls.h"
#include "handles.h"
#include "random.h"
#include "sanitizers.h"

namespace fakedirty_test {
namespace {

constexpr size_t kPageSize = 1024;
constexpr size_t kThreads = 4;
constexpr size_t kPagesOfOne = 40;
constexpr size_t kTablePages = kThreads * kPagesOfOne;

class Threads : public ::testing::TestWithParam<std::tuple<int, uint32_t>> {
 protected:
  // Page i belongs to thread i % kThreads, so the neighbours of every slot belong to other threads.
  // Returns false at the first verdict that differs from the model's.
  bool Work(size_t thread, const std::vector<Contents>& pool) {
    Random random(thread);
    DestinationModel model(kPagesOfOne);
    std::vector<uint8_t> stage(kPagesOfOne * kPageSize);
    const int rounds = Scaled(150);
    for (int round = 0; round < rounds; ++round) {
      Indexes index;
      Pages sources;
      std::vector<const Contents*> contents;
      for (size_t i = 0; i < kPagesOfOne; ++i) {
        index.push_back(i * kThreads + thread);
        contents.push_back(&pool[random.Below(pool.size())]);
        sources.push_back(contents.back()->data());
      }
      Seen seen(kPagesOfOne);
      Pages copies(kPagesOfOne);
      const int status =
          round % 2 == 0
              ? fakedirty_check(table_.get(), index.data(), sources.data(), kPagesOfOne,
                                seen.verdicts.data(), seen.fingerprints.data())
              : fakedirty_classify(table_.get(), index.data(), sources.data(), kPagesOfOne,
                                   stage.data(), stage.size(), copies.data(), seen.verdicts.data(),
                                   seen.fingerprints.data());
      if (status != FAKEDIRTY_OK) return false;
      for (size_t i = 0; i < kPagesOfOne; ++i) {
        if (seen.verdicts[i] != model.Verdict(i, *contents[i])) return false;
        if (random.Below(4) == 0) continue;  // dropped
        if (fakedirty_commit(table_.get(), &index[i], &sources[i], &seen.fingerprints[i], 1) !=
            FAKEDIRTY_OK) {
          return false;
        }
        model.Receive(i, *contents[i]);
      }
      if (fakedirty_table_invalidate(table_.get(), index[round % kPagesOfOne], 1) != FAKEDIRTY_OK) {
        return false;
      }
      model.Invalidate(static_cast<uint64_t>(round) % kPagesOfOne, 1);
    }
    return true;
  }

  const Hasher hasher_ = MakeHasher(std::get<0>(GetParam()), kPageSize);
  const Table table_ = MakeTable(hasher_, kTablePages, std::get<1>(GetParam()));
};

TEST_P(Threads, NeverDisturbEachOther) {
  const std::vector<Contents> pool = {Contents(kPageSize), Random(1).Bytes(kPageSize),
                                      Random(2).Bytes(kPageSize), Random(3).Bytes(kPageSize)};
  std::atomic<int> went_wrong{0};
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] { went_wrong += !Work(thread, pool); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(went_wrong, 0);
  EXPECT_EQ(Statistics(table_).false_skips, 0u);
}

INSTANTIATE_TEST_SUITE_P(Every, Threads,
                         ::testing::Combine(::testing::ValuesIn(Algorithms()),
                                            ::testing::Values(0u, FAKEDIRTY_TABLE_VERIFY)),
                         [](const auto& info) {
                           return TestName(
                                      fakedirty_algorithm_info(std::get<0>(info.param))->name) +
                                  (std::get<1>(info.param) ? "_verifying" : "");
                         });

// Many threads create, use and destroy tables of one hasher at the same time.
TEST(ThreadsOfOneHasher, ShareIt) {
  const std::vector<uint8_t> page = Random(4).Bytes(kPageSize);
  Hasher hasher = MakeHasher(FAKEDIRTY_PH128, kPageSize);
  std::vector<Table> tables;
  for (size_t thread = 0; thread < kThreads; ++thread) tables.push_back(MakeTable(hasher, 1));
  std::atomic<int> went_wrong{0};
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, table = std::move(tables[thread])]() mutable {
      for (int round = 0; round < Scaled(200); ++round) {
        const uint64_t index = 0;
        const void* const pages[] = {page.data()};
        uint8_t verdict = 0;
        fakedirty_fingerprint fingerprint;
        went_wrong +=
            fakedirty_check(table.get(), &index, pages, 1, &verdict, &fingerprint) !=
                FAKEDIRTY_OK ||
            fakedirty_commit(table.get(), &index, pages, &fingerprint, 1) != FAKEDIRTY_OK ||
            verdict != (round == 0 ? FAKEDIRTY_FIRST : FAKEDIRTY_UNCHANGED);
      }
      table.reset();
    });
  }
  hasher.reset();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(went_wrong, 0);
}

}  // namespace
}  // namespace fakedirty_test
