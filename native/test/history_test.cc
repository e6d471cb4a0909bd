// SPDX-License-Identifier: MIT
// Random histories of a table against a model that keeps whole pages.
#include <gtest/gtest.h>
#include <string.h>

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

class History : public ::testing::TestWithParam<std::tuple<int, std::string, uint32_t>> {
 protected:
  static constexpr size_t kPageSize = 1024;
  static constexpr uint64_t kPages = 300;  // slots over one to three operating-system pages

  History() {
    pool_.push_back(Contents(kPageSize));
    for (int i = 0; i < 3; ++i) pool_.push_back(random_.Bytes(kPageSize));
    pool_.push_back(pool_[1]);
    pool_.back()[kPageSize - 1] ^= 1;  // almost the same
    pool_.push_back(Contents(kPageSize));
    pool_.back()[kPageSize / 2] = 0x80;  // almost zero
  }

  Hasher Make() {
    fakedirty_hasher_options options = Options(std::get<0>(GetParam()), kPageSize);
    options.target = std::get<1>(GetParam()).c_str();
    return MakeHasher(options);
  }

  // A batch of different pages in any order, each with contents from the pool.
  void Choose() {
    index_.clear();
    contents_.clear();
    pages_.clear();
    const uint64_t count = random_.Below(70), start = random_.Next();
    for (uint64_t i = 0; i < count; ++i) {
      index_.push_back((start + i * 7) % kPages);  // 7 does not divide 300
      contents_.push_back(&pool_[random_.Below(pool_.size())]);
      pages_.push_back(contents_.back()->data());
    }
  }

  void CheckVerdicts(const std::vector<uint8_t>& verdicts) const {
    for (size_t i = 0; i < index_.size(); ++i) {
      ASSERT_EQ(verdicts[i], model_.Verdict(index_[i], *contents_[i])) << "page " << index_[i];
    }
  }

  // Sends the first pages of the batch and drops the others.
  void CommitSome(const Fingerprints& fingerprints) {
    const size_t sent = random_.Below(index_.size() + 1);
    index_.resize(sent);
    Commit(table_, index_, pages_, fingerprints);
    for (size_t i = 0; i < sent; ++i) model_.Receive(index_[i], *contents_[i]);
  }

  void CheckStatistics() const {
    const fakedirty_statistics statistics = Statistics(table_), expected = model_.Statistics();
    ASSERT_EQ(statistics.pages, expected.pages);
    ASSERT_EQ(statistics.unknown, expected.unknown);
    ASSERT_EQ(statistics.zero, expected.zero);
    ASSERT_EQ(statistics.known, expected.known);
    ASSERT_EQ(statistics.false_skips, 0u);
  }

  void Step() {
    const uint64_t choice = random_.Below(20);
    if (choice == 0) {
      ASSERT_EQ(fakedirty_table_reset(table_.get()), FAKEDIRTY_OK);
      model_.Reset();
    } else if (choice < 3) {
      const uint64_t first = random_.Below(kPages), pages = random_.Below(kPages - first + 1);
      ASSERT_EQ(fakedirty_table_invalidate(table_.get(), first, pages), FAKEDIRTY_OK);
      model_.Invalidate(first, pages);
    } else if (choice < 11) {
      Choose();
      const Seen seen = Check(table_, index_, pages_);
      CheckVerdicts(seen.verdicts);
      CommitSome(seen.fingerprints);
    } else {
      Choose();
      const Staged staged = Classify(table_, kPageSize, index_, pages_);
      CheckVerdicts(staged.verdicts);
      CommitSome(staged.fingerprints);
    }
    CheckStatistics();
  }

  Random random_{11};
  const Hasher hasher_ = Make();
  const Table table_ = MakeTable(hasher_, kPages, std::get<2>(GetParam()));
  DestinationModel model_{kPages};
  std::vector<Contents> pool_;
  Indexes index_;
  std::vector<const Contents*> contents_;
  Pages pages_;
};

TEST_P(History, AgreesWithWholePages) {
  const int steps = Scaled(600);
  for (int step = 0; step < steps && !HasFatalFailure(); ++step) Step();
}

INSTANTIATE_TEST_SUITE_P(
    Every, History,
    ::testing::Combine(::testing::ValuesIn(Algorithms()), ::testing::ValuesIn(Targets()),
                       ::testing::Values(0u, FAKEDIRTY_TABLE_VERIFY)),
    [](const auto& info) {
      return TestName(std::string(fakedirty_algorithm_info(std::get<0>(info.param))->name) +
                      "_on_" + std::get<1>(info.param) +
                      (std::get<2>(info.param) ? "_verifying" : ""));
    });

}  // namespace
}  // namespace fakedirty_test
