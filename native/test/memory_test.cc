// SPDX-License-Identifier: MIT
// What a table costs: address space from the start, memory only as slots are written, and nothing
// after it is forgotten.
#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "filter_calls.h"
#include "handles.h"
#include "random.h"
#include "sanitizers.h"

namespace fakedirty_test {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20, kGiB = uint64_t{1} << 30, kTiB = uint64_t{1} << 40;
constexpr uint64_t kPagesOfOneTiB = kTiB / 4096;

// Sanitizers take additional memory for each access, emulators for what they have translated.
#define SKIP_WHERE_OTHER_MEMORY_HIDES_IT() \
  if (kSlow) GTEST_SKIP() << "a sanitizer's or an emulator's own memory hides the table's"

struct ProcessBytes {
  int64_t addressed, resident;
};

ProcessBytes BytesOfProcess() {
  long total = 0, resident = 0;
  FILE* const file = fopen("/proc/self/statm", "r");
  EXPECT_NE(file, nullptr);
  EXPECT_EQ(fscanf(file, "%ld %ld", &total, &resident), 2);
  fclose(file);
  const int64_t granule = sysconf(_SC_PAGESIZE);
  return {total * granule, resident * granule};
}

int64_t ResidentBytes() { return BytesOfProcess().resident; }

std::string Contents(const char* name) {
  std::ifstream file(name);
  return {std::istreambuf_iterator<char>(file), {}};
}

int64_t HugeBytes() {
  const std::string smaps = Contents("/proc/self/smaps_rollup");
  const size_t at = smaps.find("AnonHugePages:");
  return at == std::string::npos ? 0 : atoll(smaps.c_str() + at + strlen("AnonHugePages:")) * 1024;
}

TEST(Memory, OfATerabyteGuestIsNotTakenBeforeItIsNeeded) {
  SKIP_WHERE_OTHER_MEMORY_HIDES_IT();
  const Hasher hasher = MakeHasher(FAKEDIRTY_PH128);
  const int64_t before = ResidentBytes();
  const Table table = MakeTable(hasher, kPagesOfOneTiB);
  ASSERT_TRUE(table);
  const std::vector<uint8_t> page = Random(1).Bytes(4096);
  for (const uint64_t index : {uint64_t{0}, kPagesOfOneTiB / 2, kPagesOfOneTiB - 1}) {
    EXPECT_EQ(VerdictOn(table, index, page.data()), FAKEDIRTY_FIRST);
    Send(table, {index}, {page.data()});
    EXPECT_EQ(VerdictOn(table, index, page.data()), FAKEDIRTY_UNCHANGED);
  }
  // Three slots, each in the largest page that an operating system may have.
  EXPECT_LT(ResidentBytes() - before, static_cast<int64_t>(8 * kMiB));
}

TEST(Memory, OfATerabyteGuestIsAtMostFourGigabytes) {
  SKIP_WHERE_OTHER_MEMORY_HIDES_IT();
  const Table table = MakeTable(MakeHasher(FAKEDIRTY_PH128), kPagesOfOneTiB);
  ASSERT_TRUE(table);
  const int64_t before = ResidentBytes();
  const fakedirty_statistics statistics = Statistics(table);
  EXPECT_EQ(statistics.pages, kPagesOfOneTiB);
  EXPECT_EQ(statistics.unknown, kPagesOfOneTiB);
  EXPECT_LE(statistics.bytes, 4 * kGiB);
  EXPECT_LT(ResidentBytes() - before, static_cast<int64_t>(64 * kMiB)) << "counting fills memory";
}

// Sizes around the one from which huge pages are used.
TEST(Memory, IsMappedForSlotsOnlyUntilTheTableIsDestroyed) {
  SKIP_WHERE_OTHER_MEMORY_HIDES_IT();
  const Hasher hasher = MakeHasher(FAKEDIRTY_PH128);
  const int64_t before = BytesOfProcess().addressed;
  for (const uint64_t half_huge_pages : {1, 2, 3, 4, 63}) {
    for (const int64_t more : {-1, 0, 1}) {
      const uint64_t pages = half_huge_pages * (kMiB / 16) + more;
      const Table table = MakeTable(hasher, pages);
      ASSERT_TRUE(table);
      const int64_t addressed = BytesOfProcess().addressed - before;
      EXPECT_GE(addressed, static_cast<int64_t>(pages * 16));
      EXPECT_LE(addressed, static_cast<int64_t>(pages * 16 + kMiB + 64 * 1024));
    }
  }
  EXPECT_LT(BytesOfProcess().addressed - before, static_cast<int64_t>(kMiB));
}

class MemoryGivenBack : public ::testing::Test {
 protected:
  static constexpr uint64_t kPages = 4 * kMiB;  // of 16 bytes: 64 MiB of slots
  static constexpr int64_t kSlotBytes = 64 * kMiB;

  void Fill() {
    const fakedirty_fingerprint fingerprint = Check(table_, {0}, {page_.data()}).fingerprints[0];
    const Fingerprints fingerprints(FAKEDIRTY_BATCH_MAX, fingerprint);
    const Pages pages(FAKEDIRTY_BATCH_MAX, page_.data());
    Indexes index(FAKEDIRTY_BATCH_MAX);
    for (uint64_t first = 0; first < kPages; first += index.size()) {
      for (size_t i = 0; i < index.size(); ++i) index[i] = first + i;
      Commit(table_, index, pages, fingerprints);
    }
  }

  const std::vector<uint8_t> page_ = Random(1).Bytes(1024);
  const Hasher hasher_ = MakeHasher(FAKEDIRTY_PH128, 1024);
  const Table table_ = MakeTable(hasher_, kPages);
};

TEST_F(MemoryGivenBack, ByReset) {
  SKIP_WHERE_OTHER_MEMORY_HIDES_IT();
  Fill();
  const int64_t full = ResidentBytes();
  EXPECT_EQ(Statistics(table_).known, kPages);
  ASSERT_EQ(fakedirty_table_reset(table_.get()), FAKEDIRTY_OK);
  EXPECT_GT(full - ResidentBytes(), kSlotBytes * 9 / 10);
  EXPECT_EQ(Statistics(table_).unknown, kPages);
  EXPECT_GT(full - ResidentBytes(), kSlotBytes * 9 / 10) << "counting takes it again";
}

TEST_F(MemoryGivenBack, ByInvalidateOfALongRange) {
  SKIP_WHERE_OTHER_MEMORY_HIDES_IT();
  Fill();
  const int64_t full = ResidentBytes();
  ASSERT_EQ(fakedirty_table_invalidate(table_.get(), 1, kPages - 2), FAKEDIRTY_OK);
  EXPECT_GT(full - ResidentBytes(), kSlotBytes * 9 / 10);
  EXPECT_EQ(Statistics(table_).known, 2u);
  EXPECT_GT(full - ResidentBytes(), kSlotBytes * 9 / 10) << "counting takes it again";
  EXPECT_EQ(VerdictOn(table_, 0, page_.data()), FAKEDIRTY_UNCHANGED);
  EXPECT_EQ(VerdictOn(table_, 1, page_.data()), FAKEDIRTY_FIRST);
  EXPECT_EQ(VerdictOn(table_, kPages - 2, page_.data()), FAKEDIRTY_FIRST);
  EXPECT_EQ(VerdictOn(table_, kPages - 1, page_.data()), FAKEDIRTY_UNCHANGED);
}

TEST_F(MemoryGivenBack, WasInHugePagesIfThereAreAny) {
  SKIP_WHERE_OTHER_MEMORY_HIDES_IT();
  const std::string choice = Contents("/sys/kernel/mm/transparent_hugepage/enabled");
  if (choice.empty() || choice.find("[never]") != std::string::npos) {
    GTEST_SKIP() << "this system gives no huge pages: /sys/kernel/mm/transparent_hugepage/enabled";
  }
  const int64_t before = HugeBytes();
  Fill();
  // Not all of them: memory may be fragmented.
  EXPECT_GE(HugeBytes() - before, kSlotBytes / 4);
}

}  // namespace
}  // namespace fakedirty_test
