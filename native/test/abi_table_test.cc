// SPDX-License-Identifier: MIT
// Each wrong argument of the calls for tables returns its own error.
#include <gtest/gtest.h>

#include <vector>

#include "choices.h"
#include "filter_calls.h"
#include "handles.h"

namespace fakedirty_test {
namespace {

int TryToCreate(const Hasher& hasher, uint64_t pages, uint32_t flags) {
  int mark = 0;
  const auto untouched = reinterpret_cast<fakedirty_table*>(&mark);
  fakedirty_table* table = untouched;
  const int status = fakedirty_table_create(hasher.get(), pages, flags, &table);
  if (status == FAKEDIRTY_OK) {
    EXPECT_NE(table, untouched);
    fakedirty_table_destroy(table);
  } else {
    EXPECT_EQ(table, untouched);
  }
  return status;
}

TEST(TableCreate, NeedsBothPointers) {
  const Hasher hasher = MakeHasher(FAKEDIRTY_PH128);
  fakedirty_table* table = nullptr;
  EXPECT_EQ(fakedirty_table_create(nullptr, 1, 0, &table), FAKEDIRTY_ERROR_NULL);
  EXPECT_EQ(table, nullptr);
  EXPECT_EQ(fakedirty_table_create(hasher.get(), 1, 0, nullptr), FAKEDIRTY_ERROR_NULL);
}

TEST(TableCreate, NeedsPages) {
  for (const uint32_t flags : {0u, FAKEDIRTY_TABLE_VERIFY}) {
    EXPECT_EQ(TryToCreate(MakeHasher(FAKEDIRTY_PH128), 0, flags), FAKEDIRTY_ERROR_PAGES);
    EXPECT_EQ(TryToCreate(MakeHasher(FAKEDIRTY_PH128), 1, flags), FAKEDIRTY_OK);
  }
}

TEST(TableCreate, RefusesUnknownFlags) {
  const Hasher hasher = MakeHasher(FAKEDIRTY_PH128);
  for (const uint32_t flags : {2u, 3u, 0x80000000u, 0x80000001u, UINT32_MAX}) {
    EXPECT_EQ(TryToCreate(hasher, 1, flags), FAKEDIRTY_ERROR_FLAGS) << flags;
  }
}

TEST(TableCreate, RefusesTablesLargerThanTheAddressSpace) {
  for (const int algorithm : Algorithms()) {
    const Hasher hasher = MakeHasher(algorithm);
    for (const uint64_t pages :
         {UINT64_MAX, UINT64_MAX / 2, UINT64_MAX / DigestBytes(algorithm) + 1,
          uint64_t{INT64_MAX} / DigestBytes(algorithm) + 1}) {
      EXPECT_EQ(TryToCreate(hasher, pages, 0), FAKEDIRTY_ERROR_TOO_LARGE) << pages;
      EXPECT_EQ(TryToCreate(hasher, pages, FAKEDIRTY_TABLE_VERIFY), FAKEDIRTY_ERROR_TOO_LARGE);
    }
    // Slots would do, copies of the pages would not.
    EXPECT_EQ(TryToCreate(hasher, uint64_t{1} << 52, FAKEDIRTY_TABLE_VERIFY),
              FAKEDIRTY_ERROR_TOO_LARGE);
  }
}

TEST(TableCreate, ReportsWhenThereIsNoMemory) {
  const Hasher hasher = MakeHasher(FAKEDIRTY_PH128);
  const uint64_t exabyte_of_slots = uint64_t{1} << 56;
  EXPECT_EQ(TryToCreate(hasher, exabyte_of_slots, 0), FAKEDIRTY_ERROR_NO_MEMORY);
}

// A limit can be checked before the table exists: the call says what the table will say.
TEST(TableBytes, AreThoseOfTheTable) {
  for (const int algorithm : Algorithms()) {
    for (const size_t page_size : kPageSizes) {
      const Hasher hasher = MakeHasher(algorithm, page_size);
      for (const uint64_t pages : {uint64_t{1}, uint64_t{1000}, uint64_t{1} << 20}) {
        for (const uint32_t flags : {0u, FAKEDIRTY_TABLE_VERIFY}) {
          uint64_t bytes = 0;
          ASSERT_EQ(fakedirty_table_bytes(algorithm, page_size, pages, flags, &bytes),
                    FAKEDIRTY_OK);
          EXPECT_EQ(bytes, pages * (DigestBytes(algorithm) + (flags ? page_size : 0)));
          if (pages <= 1000) {
            EXPECT_EQ(bytes, Statistics(MakeTable(hasher, pages, flags)).bytes);
          }
        }
      }
    }
  }
}

// The numbers of guests that no machine has must not wrap around to small ones.
TEST(TableBytes, RefuseWhatNoTableCanHave) {
  const struct {
    int algorithm;
    size_t page_size;
    uint64_t pages;
    uint32_t flags;
    int status;
  } wrong[] = {
      {-1, 4096, 1, 0, FAKEDIRTY_ERROR_ALGORITHM},
      {11, 4096, 1, 0, FAKEDIRTY_ERROR_ALGORITHM},
      {FAKEDIRTY_PH128, 0, 1, 0, FAKEDIRTY_ERROR_PAGE_SIZE},
      {FAKEDIRTY_PH128, 4095, 1, 0, FAKEDIRTY_ERROR_PAGE_SIZE},
      {FAKEDIRTY_PH128, 4096, 0, 0, FAKEDIRTY_ERROR_PAGES},
      {FAKEDIRTY_PH128, 4096, 1, 2, FAKEDIRTY_ERROR_FLAGS},
      {FAKEDIRTY_PH128, 4096, UINT64_MAX, 0, FAKEDIRTY_ERROR_TOO_LARGE},
      {FAKEDIRTY_PH128, 4096, UINT64_MAX / 16 + 1, 0, FAKEDIRTY_ERROR_TOO_LARGE},
      {FAKEDIRTY_PH128, 4096, uint64_t{1} << 59, 0, FAKEDIRTY_ERROR_TOO_LARGE},
      {FAKEDIRTY_PH128, 4096, UINT64_MAX / 4112 + 1, 1, FAKEDIRTY_ERROR_TOO_LARGE},
      {FAKEDIRTY_PH128, 65536, uint64_t{1} << 47, 1, FAKEDIRTY_ERROR_TOO_LARGE},
  };
  for (const auto& call : wrong) {
    uint64_t bytes = 7;
    EXPECT_EQ(fakedirty_table_bytes(call.algorithm, call.page_size, call.pages, call.flags, &bytes),
              call.status)
        << call.algorithm << " " << call.page_size << " " << call.pages << " " << call.flags;
    EXPECT_EQ(bytes, 7u);
  }
  EXPECT_EQ(fakedirty_table_bytes(FAKEDIRTY_PH128, 4096, 1, 0, nullptr), FAKEDIRTY_ERROR_NULL);
  uint64_t bytes = 0;
  ASSERT_EQ(fakedirty_table_bytes(FAKEDIRTY_PH128, 4096, INT64_MAX / 16, 0, &bytes), FAKEDIRTY_OK);
  EXPECT_EQ(bytes, uint64_t{INT64_MAX} / 16 * 16);
}

class TableAbi : public ::testing::Test {
 protected:
  static constexpr uint64_t kPages = 10;

  TableAbi() {
    Indexes index;
    for (uint64_t i = 0; i < kPages; ++i) index.push_back(i);
    Send(table_, index, Pages(kPages, page_.data()));
  }

  void TearDown() override { EXPECT_EQ(Statistics(table_).known, kPages) << "slots were lost"; }

  const Hasher hasher_ = MakeHasher(FAKEDIRTY_PH128, 1024);
  const Table table_ = MakeTable(hasher_, kPages);
  const std::vector<uint8_t> page_ = std::vector<uint8_t>(1024, 7);
};

TEST_F(TableAbi, InvalidateNeedsATable) {
  EXPECT_EQ(fakedirty_table_invalidate(nullptr, 0, 1), FAKEDIRTY_ERROR_NULL);
}

TEST_F(TableAbi, InvalidateStaysWithinTheTable) {
  const struct {
    uint64_t first, pages;
  } outside[] = {
      {kPages, 1},         {kPages + 1, 0}, {kPages + 1, 1},          {0, kPages + 1},
      {1, kPages},         {0, UINT64_MAX}, {1, UINT64_MAX},          {kPages, UINT64_MAX},
      {UINT64_MAX, 0},     {UINT64_MAX, 1}, {UINT64_MAX, 2},          {UINT64_MAX, UINT64_MAX},
      {UINT64_MAX - 1, 2}, {kPages - 1, 2}, {UINT64_MAX / 16 + 1, 1},
  };
  for (const auto& range : outside) {
    EXPECT_EQ(fakedirty_table_invalidate(table_.get(), range.first, range.pages),
              FAKEDIRTY_ERROR_INDEX)
        << range.first << " " << range.pages;
  }
}

TEST_F(TableAbi, InvalidateOfNothingDoesNothing) {
  for (uint64_t first = 0; first <= kPages; ++first) {
    EXPECT_EQ(fakedirty_table_invalidate(table_.get(), first, 0), FAKEDIRTY_OK);
  }
}

TEST_F(TableAbi, ResetNeedsATable) {
  EXPECT_EQ(fakedirty_table_reset(nullptr), FAKEDIRTY_ERROR_NULL);
}

TEST_F(TableAbi, StatisticsNeedBothPointers) {
  fakedirty_statistics statistics = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(fakedirty_table_statistics(nullptr, &statistics), FAKEDIRTY_ERROR_NULL);
  EXPECT_EQ(statistics.pages, 1u);
  EXPECT_EQ(statistics.bytes, 6u);
  EXPECT_EQ(fakedirty_table_statistics(table_.get(), nullptr), FAKEDIRTY_ERROR_NULL);
}

TEST_F(TableAbi, FalseSkipsOfNullAreNone) { EXPECT_EQ(fakedirty_table_false_skips(nullptr), 0u); }

TEST_F(TableAbi, DestroyOfNullDoesNothing) { fakedirty_table_destroy(nullptr); }

}  // namespace
}  // namespace fakedirty_test
