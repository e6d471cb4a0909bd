// SPDX-License-Identifier: MIT
// Fuzz target: a random history of a small guest (writes, passes, sends, drops, failures, resets)
// against a model that keeps whole pages. The destination must hold every page that is unchanged.
#include <fuzzer/FuzzedDataProvider.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <optional>
#include <vector>

#include "destination_model.h"
#include "include/fakedirty.h"
#include "random.h"

namespace {

using fakedirty_test::Contents;
using fakedirty_test::DestinationModel;

constexpr size_t kPages = 12;

[[noreturn]] void Fail(const char* what) {
  fprintf(stderr, "fuzz_history: %s\n", what);
  abort();
}

void Check(bool holds, const char* what) {
  if (!holds) Fail(what);
}

// Algorithms whose fingerprints are wide enough that no run of the fuzzer finds a collision.
constexpr int kWide[] = {FAKEDIRTY_PH128, FAKEDIRTY_XXH3_128,   FAKEDIRTY_XXH3_64,
                         FAKEDIRTY_XXH64, FAKEDIRTY_SHA256,     FAKEDIRTY_SHA1,
                         FAKEDIRTY_MD5,   FAKEDIRTY_MURMUR3_128};

class History {
 public:
  explicit History(FuzzedDataProvider* input) : input_(*input) {
    page_size_ = input_.PickValueInArray<size_t>({1024, 2048, 4096});
    fakedirty_hasher_options options = {};
    options.size = sizeof(options);
    options.algorithm = input_.PickValueInArray(kWide);
    options.page_size = page_size_;
    // Equal key words would make collisions easy: the bound speaks of uniformly random ones.
    const std::vector<uint8_t> key =
        fakedirty_test::Random().Bytes(fakedirty_key_bytes(options.algorithm, page_size_));
    options.key = key.empty() ? nullptr : key.data();
    options.key_bytes = key.size();
    options.target = fakedirty_target_name(input_.ConsumeIntegralInRange<size_t>(0, 5));
    const uint32_t flags = input_.ConsumeBool() ? FAKEDIRTY_TABLE_VERIFY : 0;
    Check(fakedirty_hasher_create(&options, &hasher_) == FAKEDIRTY_OK, "no hasher");
    Check(fakedirty_table_create(hasher_, kPages, flags, &table_) == FAKEDIRTY_OK, "no table");
    guest_.assign(kPages, Contents(page_size_));
    destination_.assign(kPages, std::nullopt);
    stage_.resize(kPages * page_size_);
  }

  ~History() {
    fakedirty_table_destroy(table_);
    fakedirty_hasher_destroy(hasher_);
  }

  void Run() {
    while (input_.remaining_bytes() > 0) Step();
    // One last pass, in which nothing is dropped: both sides must be the same.
    index_.clear();
    for (size_t i = 0; i < kPages; ++i) index_.push_back(i);
    CheckPages(true);
    for (size_t i = 0; i < kPages; ++i) SendOne(i);
    for (size_t i = 0; i < kPages; ++i) Check(destination_[i] == guest_[i], "sides differ");
    CheckStatistics();
  }

 private:
  size_t AnyPage() { return input_.ConsumeIntegralInRange<size_t>(0, kPages - 1); }

  void Step() {
    switch (input_.ConsumeIntegralInRange(0, 9)) {
      case 0:
      case 1: {  // a store
        const size_t at = input_.ConsumeIntegralInRange<size_t>(0, page_size_ - 1);
        guest_[AnyPage()][at] = input_.ConsumeIntegral<uint8_t>();
        break;
      }
      case 2:
        guest_[AnyPage()].assign(page_size_, input_.ConsumeBool() ? 0 : 0x77);
        break;
      case 3:  // a page moves within the guest
        guest_[AnyPage()] = guest_[AnyPage()];
        break;
      case 4: {  // back to what was sent
        const size_t page = AnyPage();
        if (destination_[page]) guest_[page] = *destination_[page];
        break;
      }
      case 5:
        Invalidate();
        break;
      case 6:
        if (input_.ConsumeIntegralInRange(0, 3) == 0) Reset();
        break;
      default:
        Pass();
    }
  }

  // Classifies different pages in any order; then sends, loses or drops each.
  void Pass() {
    const auto marked = input_.ConsumeIntegral<uint16_t>();
    const size_t start = AnyPage();
    index_.clear();
    for (size_t i = 0; i < kPages; ++i) {
      if (marked >> i & 1) index_.push_back((start + i * 5) % kPages);
    }
    CheckPages(input_.ConsumeBool());
    for (size_t i = 0; i < index_.size(); ++i) {
      switch (input_.ConsumeIntegralInRange(0, 7)) {
        case 0:
          break;  // dropped
        case 1:
          LoseOne(i);
          break;
        default:
          SendOne(i);
      }
    }
    CheckStatistics();
  }

  void CheckPages(bool in_place) {
    const size_t count = index_.size();
    std::vector<const void*> sources;
    for (const uint64_t index : index_) sources.push_back(guest_[index].data());
    copies_.assign(count, nullptr);
    verdicts_.assign(count, 0xFF);
    fingerprints_.assign(count, {});
    int status;
    if (in_place) {
      status = fakedirty_check(table_, index_.data(), sources.data(), count, verdicts_.data(),
                               fingerprints_.data());
      copies_ = sources;
    } else {
      status =
          fakedirty_classify(table_, index_.data(), sources.data(), count, stage_.data(),
                             stage_.size(), copies_.data(), verdicts_.data(), fingerprints_.data());
    }
    Check(status == FAKEDIRTY_OK, "a right call failed");
    for (size_t i = 0; i < count; ++i) CheckOne(i, in_place);
  }

  void CheckOne(size_t i, bool in_place) {
    const Contents& page = guest_[index_[i]];
    const int verdict = verdicts_[i];
    if (verdict == FAKEDIRTY_UNCHANGED) {
      Check(destination_[index_[i]] == page, "unchanged, and not at the destination");
      Check(in_place || !copies_[i], "an unchanged page has a copy");
    } else {
      Check(copies_[i] != nullptr, "a page to be sent has no copy");
      Check(memcmp(copies_[i], page.data(), page_size_) == 0, "the copy is not the page");
    }
    Check(verdict == model_.Verdict(index_[i], page), "not the model's verdict");
  }

  void SendOne(size_t i) {
    if (verdicts_[i] == FAKEDIRTY_UNCHANGED) return;
    const uint64_t index = index_[i];
    const auto bytes = static_cast<const uint8_t*>(copies_[i]);
    const Contents sent(bytes, bytes + page_size_);
    Check(fakedirty_commit(table_, &index, &copies_[i], &fingerprints_[i], 1) == FAKEDIRTY_OK,
          "a right commit failed");
    destination_[index] = sent;
    model_.Receive(index, sent);
  }

  // The send fails midway: it is unknown what the destination holds.
  void LoseOne(size_t i) {
    if (verdicts_[i] == FAKEDIRTY_UNCHANGED) return;
    const uint64_t index = index_[i];
    Contents& page =
        destination_[index] ? *destination_[index] : destination_[index].emplace(page_size_);
    memcpy(page.data(), copies_[i], page_size_ / 2);
    Check(fakedirty_table_invalidate(table_, index, 1) == FAKEDIRTY_OK, "invalidate failed");
    model_.Invalidate(index, 1);
  }

  void Invalidate() {
    const size_t first = AnyPage();
    const size_t pages = input_.ConsumeIntegralInRange<size_t>(0, kPages - first);
    Check(fakedirty_table_invalidate(table_, first, pages) == FAKEDIRTY_OK, "invalidate failed");
    model_.Invalidate(first, pages);
  }

  // A new migration, to a destination that holds nothing.
  void Reset() {
    Check(fakedirty_table_reset(table_) == FAKEDIRTY_OK, "reset failed");
    model_.Reset();
    destination_.assign(kPages, std::nullopt);
  }

  void CheckStatistics() {
    fakedirty_statistics statistics;
    Check(fakedirty_table_statistics(table_, &statistics) == FAKEDIRTY_OK, "statistics failed");
    const fakedirty_statistics expected = model_.Statistics();
    Check(statistics.unknown == expected.unknown, "unknown slots");
    Check(statistics.zero == expected.zero, "zero slots");
    Check(statistics.known == expected.known, "known slots");
    Check(statistics.false_skips == 0, "a false skip");
  }

  FuzzedDataProvider& input_;
  size_t page_size_;
  fakedirty_hasher* hasher_ = nullptr;
  fakedirty_table* table_ = nullptr;
  std::vector<Contents> guest_;
  std::vector<std::optional<Contents>> destination_;  // the bytes, whether known or not
  DestinationModel model_{kPages};                    // what the source knows of them
  std::vector<uint8_t> stage_;
  std::vector<uint64_t> index_;
  std::vector<const void*> copies_;
  std::vector<uint8_t> verdicts_;
  std::vector<fakedirty_fingerprint> fingerprints_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  History(&input).Run();
  return 0;
}
