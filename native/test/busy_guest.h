// SPDX-License-Identifier: MIT
// A guest that never stops writing, its dirty log, and a destination that receives its pages.
#ifndef FAKEDIRTY_TEST_BUSY_GUEST_H_
#define FAKEDIRTY_TEST_BUSY_GUEST_H_

#include <string.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "filter_calls.h"
#include "handles.h"
#include "random.h"

namespace fakedirty_test {

// Each page alternates between two contents: half of the pages in a single word, half entirely.
class BusyGuest {
 public:
  static constexpr size_t kPages = 64;
  static constexpr size_t kPageSize = 4096;

  BusyGuest() : memory_(Random(1).Bytes(kPages * kPageSize)), marks_(kPages) {
    other_contents_ = Random(2).Bytes(kPageSize);
    contents_.assign(page(0), page(0) + kPageSize);
    for (std::atomic<bool>& mark : marks_) mark = true;
  }
  ~BusyGuest() { Stop(); }

  void Start() {
    running_ = true;
    vcpu_ = std::thread([this] {
      for (uint64_t round = 1; running_; ++round) {
        for (size_t i = 0; i < kPages && running_; ++i) Write(i, round);
      }
    });
  }

  void Stop() {
    running_ = false;
    if (vcpu_.joinable()) vcpu_.join();
  }

  uint8_t* page(size_t i) { return memory_.data() + i * kPageSize; }
  const std::vector<uint8_t>& memory() const { return memory_; }

  // Clear before read (R2).
  bool TakeMark(size_t i) { return marks_[i].exchange(false); }

 private:
  // The guest stores before it marks. A reader that takes the mark therefore sees the store, and a
  // later store leaves a new mark. (A log that marks first must ensure the same, R2.)
  void Write(size_t i, uint64_t round) {
    if (i % 2 == 0) {
      const uint64_t word = round % 2;
      __atomic_store_n(reinterpret_cast<uint64_t*>(page(i) + 1024), word, __ATOMIC_RELEASE);
    } else {
      memcpy(page(i), (round % 2 ? other_contents_ : contents_).data(), kPageSize);
    }
    marks_[i] = true;
  }

  std::vector<uint8_t> memory_, contents_, other_contents_;
  std::vector<std::atomic<bool>> marks_;
  std::atomic<bool> running_{false};
  std::thread vcpu_;
};

// What a migration does with the filter, one pass at a time.
class Migration {
 public:
  Migration(BusyGuest* guest, const std::string& target)
      : guest_(guest),
        hasher_(MakeHasherOn(target)),
        received_(BusyGuest::kPages * BusyGuest::kPageSize) {}

  // Walks the dirty log: classifies the marked pages in batches and sends those that changed.
  void Pass() {
    Indexes index;
    Pages sources;
    for (size_t i = 0; i < BusyGuest::kPages; ++i) {
      if (!guest_->TakeMark(i)) continue;
      index.push_back(i);
      sources.push_back(guest_->page(i));
    }
    const Staged staged = Classify(table_, BusyGuest::kPageSize, index, sources);
    for (size_t i = 0; i < index.size(); ++i) {
      if (!staged.copies[i]) {
        ++unchanged_;
        continue;
      }
      foreign_fingerprints_ += !Matches(staged.copies[i], staged.fingerprints[i]);
      memcpy(received_.data() + index[i] * BusyGuest::kPageSize, staged.copies[i],
             BusyGuest::kPageSize);
      Commit(table_, {index[i]}, {staged.copies[i]}, {staged.fingerprints[i]});
      ++sent_;
    }
  }

  uint64_t sent() const { return sent_; }
  uint64_t unchanged() const { return unchanged_; }
  // How many pages were sent with the fingerprint of other bytes.
  uint64_t foreign_fingerprints() const { return foreign_fingerprints_; }
  bool DestinationIsRight() const { return received_ == guest_->memory(); }

 private:
  bool Matches(const void* copy, const fakedirty_fingerprint& fingerprint) {
    uint8_t digest[16];
    EXPECT_EQ(fakedirty_digest(hasher_.get(), &copy, 1, digest, sizeof(digest)), FAKEDIRTY_OK);
    return memcmp(digest, fingerprint.bytes, sizeof(digest)) == 0;
  }

  static Hasher MakeHasherOn(const std::string& target) {
    fakedirty_hasher_options options = Options(FAKEDIRTY_PH128, BusyGuest::kPageSize);
    options.target = target.c_str();
    return MakeHasher(options);
  }

  BusyGuest* const guest_;
  const Hasher hasher_;
  std::vector<uint8_t> received_;
  const Table table_ = MakeTable(hasher_, BusyGuest::kPages);
  uint64_t sent_ = 0, unchanged_ = 0, foreign_fingerprints_ = 0;
};

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_BUSY_GUEST_H_
