// SPDX-License-Identifier: MIT
// Fuzz target: sequences of calls with arbitrary arguments. None may crash, and a call that fails
// must not have written anything.
#include <fuzzer/FuzzedDataProvider.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "include/fakedirty.h"

namespace {

constexpr size_t kMaxPages = 40;  // in one call that may succeed
constexpr size_t kArenaBytes = (kMaxPages + 1) * FAKEDIRTY_PAGE_SIZE_MAX;
constexpr uint8_t kUntouched = 0xB7;

void Check(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "fuzz_abi: %s\n", what);
  abort();
}

// The memory that pointers point into. Pages come from the first half of an arena or, so that they
// overlap, from the stage.
uint8_t* Sources() {
  static std::vector<uint8_t> arena = [] {
    std::vector<uint8_t> bytes(2 * FAKEDIRTY_PAGE_SIZE_MAX);
    for (size_t i = FAKEDIRTY_PAGE_SIZE_MAX; i < bytes.size(); ++i) {
      bytes[i] = static_cast<uint8_t>(i * 7 + (i >> 8));
    }
    return bytes;
  }();
  return arena.data();
}

uint8_t* Stage() {
  static std::vector<uint8_t> arena(kArenaBytes);
  return arena.data();
}

class Caller {
 public:
  explicit Caller(FuzzedDataProvider* input) : input_(*input) {}

  ~Caller() {
    for (fakedirty_table* const table : tables_) fakedirty_table_destroy(table);
    for (fakedirty_hasher* const hasher : hashers_) fakedirty_hasher_destroy(hasher);
  }

  void CallOne() {
    switch (input_.ConsumeIntegralInRange(0, 15)) {
      case 0:
        return input_.ConsumeBool() ? Ask() : TableBytes();
      case 1:
      case 2:
        return CreateHasher();
      case 3:
        return DestroyHasher();
      case 4:
      case 5:
        return CreateTable();
      case 6:
        return DestroyTable();
      case 7:
        return Digest();
      case 8:
        return ChangeRange();
      case 9:
        return Statistics();
      case 10:
      case 11:
        return CheckPages();
      case 12:
      case 13:
        return Classify();
      default:
        return Commit();
    }
  }

 private:
  bool Rarely() { return input_.ConsumeIntegralInRange(0, 15) == 0; }

  // Any number, but often a small one.
  uint64_t Number() {
    switch (input_.ConsumeIntegralInRange(0, 3)) {
      case 0:
        return input_.ConsumeIntegral<uint64_t>();
      case 1:
        return UINT64_MAX - input_.ConsumeIntegral<uint8_t>();
      default:
        return input_.ConsumeIntegral<uint8_t>();
    }
  }

  size_t PageSize() {
    return Rarely() ? Number() : size_t{1024} << input_.ConsumeIntegralInRange(0, 6);
  }

  int Algorithm() {
    return Rarely() ? input_.ConsumeIntegral<int>() : input_.ConsumeIntegralInRange(0, 10);
  }

  void Ask() {
    Check(fakedirty_status_text(input_.ConsumeIntegral<int>()) != nullptr, "no text");
    fakedirty_algorithm_info(input_.ConsumeIntegral<int>());
    fakedirty_algorithm_find(Rarely() ? nullptr : input_.ConsumeRandomLengthString(12).c_str());
    fakedirty_target_name(Number());
    fakedirty_key_bytes(Algorithm(), PageSize());
    fakedirty_hasher_target(Hasher());
    Check(fakedirty_hasher_lanes(Hasher()) <= 64, "too many lanes");
  }

  void CreateHasher() {
    static const std::vector<uint8_t> key(FAKEDIRTY_PAGE_SIZE_MAX + 64, 0x3D);
    fakedirty_hasher_options options = {};
    options.size = Rarely() ? Number() : sizeof(options);
    options.algorithm = Algorithm();
    options.page_size = PageSize();
    options.seed = Rarely() ? Number() : 0;
    options.key_bytes =
        Rarely() ? Number() : fakedirty_key_bytes(options.algorithm, options.page_size);
    // Without a length a key would be drawn at random: runs would not repeat.
    options.key = options.key_bytes == 0 && options.algorithm != FAKEDIRTY_PH128 && !Rarely()
                      ? nullptr
                      : key.data() + input_.ConsumeIntegralInRange(0, 31);
    options.target = fakedirty_target_name(input_.ConsumeIntegralInRange<size_t>(0, 5));
    const std::string wild = input_.ConsumeRandomLengthString(8);
    if (Rarely()) options.target = wild.c_str();
    fakedirty_hasher* hasher = nullptr;
    const int status =
        fakedirty_hasher_create(Rarely() ? nullptr : &options, Rarely() ? nullptr : &hasher);
    Check((status == FAKEDIRTY_OK) == (hasher != nullptr), "status and hasher differ");
    if (hasher) hashers_.push_back(hasher);
  }

  void DestroyHasher() {
    if (hashers_.empty()) return fakedirty_hasher_destroy(nullptr);
    fakedirty_hasher_destroy(hashers_.back());
    hashers_.pop_back();
  }

  void CreateTable() {
    fakedirty_table* table = nullptr;
    const uint64_t pages = Number();
    // What a machine may or may not have memory for says nothing.
    const bool sensible = pages <= 1000 || pages > UINT64_MAX / 4;
    const uint32_t flags = Rarely() ? input_.ConsumeIntegral<uint32_t>() : input_.ConsumeBool();
    const int status =
        fakedirty_table_create(Hasher(), sensible ? pages : 1, flags, Rarely() ? nullptr : &table);
    Check((status == FAKEDIRTY_OK) == (table != nullptr), "status and table differ");
    if (table) tables_.push_back(table);
  }

  void TableBytes() {
    uint64_t bytes = 0;
    const int status = fakedirty_table_bytes(Algorithm(), PageSize(), Number(), Rarely() ? 7 : 1,
                                             Rarely() ? nullptr : &bytes);
    Check((status == FAKEDIRTY_OK) == (bytes > 0), "status and bytes differ");
  }

  void DestroyTable() {
    if (tables_.empty()) return fakedirty_table_destroy(nullptr);
    fakedirty_table_destroy(tables_.front());
    tables_.erase(tables_.begin());
  }

  fakedirty_hasher* Hasher() {
    if (hashers_.empty() || Rarely()) return nullptr;
    return hashers_[input_.ConsumeIntegralInRange<size_t>(0, hashers_.size() - 1)];
  }

  fakedirty_table* Table() {
    if (tables_.empty() || Rarely()) return nullptr;
    return tables_[input_.ConsumeIntegralInRange<size_t>(0, tables_.size() - 1)];
  }

  // The arrays of a batch. A count larger than the arrays is also larger than a call accepts.
  void ChooseBatch() {
    count_ = input_.ConsumeIntegralInRange<size_t>(0, kMaxPages);
    index_.resize(count_ + 1);
    pages_.resize(count_ + 1);
    for (size_t i = 0; i <= count_; ++i) {
      index_[i] = Rarely() ? Number() : input_.ConsumeIntegralInRange(0, 9);
      const size_t offset = input_.ConsumeIntegralInRange<size_t>(0, FAKEDIRTY_PAGE_SIZE_MAX);
      pages_[i] = (Rarely() && Rarely() ? Stage() : Sources()) + offset;
      if (Rarely() && Rarely()) pages_[i] = nullptr;
    }
    copies_.assign(count_ + 1, this);
    verdicts_.assign(count_ + 1, kUntouched);
    fingerprints_.resize(count_ + 1);
    const uint8_t filling = input_.ConsumeIntegral<uint8_t>();
    memset(fingerprints_.data(), filling, fingerprints_.size() * sizeof(fakedirty_fingerprint));
    before_ = fingerprints_;
    if (Rarely()) count_ = FAKEDIRTY_BATCH_MAX + 1 + Number() / 2;
  }

  template <class T>
  T* Maybe(std::vector<T>& array) {
    return Rarely() && Rarely() ? nullptr : array.data();
  }

  void CheckOutputs(int status) {
    const size_t written = status == FAKEDIRTY_OK ? count_ : 0;
    for (size_t i = 0; i < verdicts_.size(); ++i) {
      if (i < written) {
        Check(verdicts_[i] <= FAKEDIRTY_UNCHANGED, "no such verdict");
      } else {
        Check(verdicts_[i] == kUntouched, "a verdict too many");
        Check(memcmp(&fingerprints_[i], &before_[i], sizeof(before_[i])) == 0,
              "a fingerprint too many");
        Check(copies_[i] == this, "a copy too many");
      }
    }
  }

  void Digest() {
    ChooseBatch();
    std::vector<uint8_t> digests((kMaxPages + 1) * FAKEDIRTY_DIGEST_BYTES_MAX, kUntouched);
    const size_t room = input_.ConsumeIntegralInRange<size_t>(0, digests.size());
    const int status = fakedirty_digest(Hasher(), Maybe(pages_), count_, Maybe(digests), room);
    if (status == FAKEDIRTY_OK) return;
    for (const uint8_t byte : digests) Check(byte == kUntouched, "digests of a refused call");
  }

  void ChangeRange() {
    if (input_.ConsumeBool()) {
      (void)!fakedirty_table_invalidate(Table(), Number(), Number());
    } else {
      (void)!fakedirty_table_reset(Table());
    }
  }

  void Statistics() {
    fakedirty_table_false_skips(Table());
    fakedirty_statistics statistics = {};
    const int status = fakedirty_table_statistics(Table(), Rarely() ? nullptr : &statistics);
    Check(statistics.pages == statistics.unknown + statistics.zero + statistics.known,
          "counts do not add up");
    Check((status == FAKEDIRTY_OK) == (statistics.pages > 0), "status and counts differ");
  }

  void CheckPages() {
    ChooseBatch();
    CheckOutputs(WithoutCopies(fakedirty_check(Table(), Maybe(index_), Maybe(pages_), count_,
                                               Maybe(verdicts_), Maybe(fingerprints_))));
  }

  int WithoutCopies(int status) {
    for (const void* const copy : copies_) Check(copy == this, "check wrote copies");
    return status;
  }

  void Classify() {
    ChooseBatch();
    // Room that is claimed is there: the arena's end, or so much that only a count can be at fault.
    const size_t offset = input_.ConsumeIntegralInRange<size_t>(0, FAKEDIRTY_PAGE_SIZE_MAX);
    const size_t room = input_.ConsumeIntegralInRange<size_t>(0, kArenaBytes - offset);
    uint8_t* const stage = Stage() + offset;
    const int status = fakedirty_classify(Table(), Maybe(index_), Maybe(pages_), count_,
                                          Rarely() && Rarely() ? nullptr : stage, room,
                                          Maybe(copies_), Maybe(verdicts_), Maybe(fingerprints_));
    CheckOutputs(status);
    for (size_t i = 0; status == FAKEDIRTY_OK && i < count_; ++i) {
      const auto copy = static_cast<const uint8_t*>(copies_[i]);
      Check(!copy == (verdicts_[i] == FAKEDIRTY_UNCHANGED), "copy and verdict differ");
      Check(!copy || (copy >= stage && copy < stage + room), "a copy outside the stage");
    }
  }

  void Commit() {
    if (input_.ConsumeBool()) ChooseBatch();  // otherwise what was looked at last
    (void)!fakedirty_commit(Table(), Maybe(index_), Maybe(pages_), Maybe(fingerprints_), count_);
  }

  FuzzedDataProvider& input_;
  std::vector<fakedirty_hasher*> hashers_;
  std::vector<fakedirty_table*> tables_;
  size_t count_ = 0;
  std::vector<uint64_t> index_ = {0};
  std::vector<const void*> pages_ = {Sources()}, copies_;
  std::vector<uint8_t> verdicts_;
  std::vector<fakedirty_fingerprint> fingerprints_ = {{}}, before_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  Caller caller(&input);
  while (input.remaining_bytes() > 0) caller.CallOne();
  return 0;
}
