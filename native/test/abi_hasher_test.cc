// SPDX-License-Identifier: MIT
// Each wrong argument of the calls for hashers and digests returns its own error.
#include <gtest/gtest.h>
#include <limits.h>
#include <stdlib.h>

#include <string>
#include <vector>

#include "choices.h"
#include "handles.h"

namespace fakedirty_test {
namespace {

// An error does not write the output pointer.
int TryToCreate(const fakedirty_hasher_options& options) {
  int mark = 0;
  const auto untouched = reinterpret_cast<fakedirty_hasher*>(&mark);
  fakedirty_hasher* hasher = untouched;
  const int status = fakedirty_hasher_create(&options, &hasher);
  if (status == FAKEDIRTY_OK) {
    EXPECT_NE(hasher, untouched);
    fakedirty_hasher_destroy(hasher);
  } else {
    EXPECT_EQ(hasher, untouched);
  }
  return status;
}

TEST(HasherCreate, NeedsBothPointers) {
  fakedirty_hasher* hasher = nullptr;
  const fakedirty_hasher_options options = Options(FAKEDIRTY_PH128);
  EXPECT_EQ(fakedirty_hasher_create(nullptr, &hasher), FAKEDIRTY_ERROR_NULL);
  EXPECT_EQ(hasher, nullptr);
  EXPECT_EQ(fakedirty_hasher_create(&options, nullptr), FAKEDIRTY_ERROR_NULL);
  EXPECT_EQ(fakedirty_hasher_create(nullptr, nullptr), FAKEDIRTY_ERROR_NULL);
}

TEST(HasherCreate, RefusesOptionsOfAnotherSize) {
  fakedirty_hasher_options options = Options(FAKEDIRTY_PH128);
  for (const size_t size : {size_t{0}, size_t{1}, sizeof(options) - 1, sizeof(options) + 1,
                            2 * sizeof(options), SIZE_MAX}) {
    options.size = size;
    EXPECT_EQ(TryToCreate(options), FAKEDIRTY_ERROR_OPTIONS) << size;
  }
}

TEST(HasherCreate, RefusesUnknownAlgorithms) {
  for (const int algorithm : {-1, FAKEDIRTY_CRC32 + 1, INT_MIN, INT_MAX}) {
    EXPECT_EQ(TryToCreate(Options(algorithm)), FAKEDIRTY_ERROR_ALGORITHM) << algorithm;
  }
}

TEST(HasherCreate, RefusesOddPageSizes) {
  for (const int algorithm : Algorithms()) {
    for (const size_t page_size :
         {size_t{0}, size_t{1}, size_t{512}, size_t{1000}, size_t{1023}, size_t{1025}, size_t{4095},
          size_t{4097}, size_t{12288}, size_t{131072}, size_t{1} << 63, SIZE_MAX}) {
      EXPECT_EQ(TryToCreate(Options(algorithm, page_size)), FAKEDIRTY_ERROR_PAGE_SIZE) << page_size;
    }
  }
}

TEST(HasherCreate, AcceptsEveryPageSize) {
  for (const int algorithm : Algorithms()) {
    for (const size_t page_size : kPageSizes) {
      EXPECT_EQ(TryToCreate(Options(algorithm, page_size)), FAKEDIRTY_OK) << page_size;
    }
  }
}

TEST(HasherCreate, AcceptsSeedsUpToTheAlgorithmsLength) {
  for (const int algorithm : Algorithms()) {
    fakedirty_hasher_options options = Options(algorithm);
    const uint32_t bits = fakedirty_algorithm_info(algorithm)->seed_bits;
    for (const uint64_t seed :
         {uint64_t{0}, uint64_t{1}, uint64_t{UINT32_MAX}, uint64_t{1} << 32, UINT64_MAX}) {
      options.seed = seed;
      const bool fits = bits == 64 || seed >> bits == 0;
      EXPECT_EQ(TryToCreate(options), fits ? FAKEDIRTY_OK : FAKEDIRTY_ERROR_SEED)
          << fakedirty_algorithm_info(algorithm)->name << " " << seed;
    }
  }
}

TEST(HasherCreate, AcceptsKeysOfOneLengthOnly) {
  const std::vector<uint8_t> key(65536 + 64);
  for (const size_t page_size : kPageSizes) {
    fakedirty_hasher_options options = Options(FAKEDIRTY_PH128, page_size);
    options.key = key.data();
    const size_t right = fakedirty_key_bytes(FAKEDIRTY_PH128, page_size);
    options.key_bytes = right;
    EXPECT_EQ(TryToCreate(options), FAKEDIRTY_OK);
    for (const size_t wrong :
         {size_t{0}, size_t{1}, page_size, right - 1, right + 1, right + 8, SIZE_MAX}) {
      options.key_bytes = wrong;
      EXPECT_EQ(TryToCreate(options), FAKEDIRTY_ERROR_KEY) << wrong;
    }
  }
}

TEST(HasherCreate, RefusesAKeyLengthWithoutAKey) {
  for (const int algorithm : Algorithms()) {
    fakedirty_hasher_options options = Options(algorithm);
    for (const size_t bytes : {size_t{1}, size_t{4096 + 32}, SIZE_MAX}) {
      options.key_bytes = bytes;
      EXPECT_EQ(TryToCreate(options), FAKEDIRTY_ERROR_KEY) << bytes;
    }
  }
}

TEST(HasherCreate, RefusesKeysForUnkeyedAlgorithms) {
  const std::vector<uint8_t> key(4096 + 32);
  for (const int algorithm : Algorithms()) {
    if (fakedirty_algorithm_info(algorithm)->keyed) continue;
    fakedirty_hasher_options options = Options(algorithm);
    options.key = key.data();
    for (const size_t bytes : {size_t{0}, size_t{4}, key.size()}) {
      options.key_bytes = bytes;
      EXPECT_EQ(TryToCreate(options), FAKEDIRTY_ERROR_KEY) << bytes;
    }
  }
}

TEST(HasherCreate, RefusesUnknownTargets) {
  for (const char* const target : {"", "avx9000", "AVX2", "avx2 ", "portable,avx2"}) {
    fakedirty_hasher_options options = Options(FAKEDIRTY_PH128);
    options.target = target;
    EXPECT_EQ(TryToCreate(options), FAKEDIRTY_ERROR_TARGET) << target;
  }
}

class TargetFromEnvironment : public ::testing::Test {
 protected:
  static constexpr const char* kVariable = "FAKEDIRTY_TARGET";
  void SetUp() override {
    if (const char* const value = getenv(kVariable)) before_ = value;
    had_value_ = getenv(kVariable) != nullptr;
  }
  void TearDown() override {
    if (had_value_) {
      setenv(kVariable, before_.c_str(), 1);
    } else {
      unsetenv(kVariable);
    }
  }
  std::string before_;
  bool had_value_ = false;
};

TEST_F(TargetFromEnvironment, IsUsed) {
  for (const std::string& target : Targets()) {
    ASSERT_EQ(setenv(kVariable, target.c_str(), 1), 0);
    EXPECT_EQ(fakedirty_hasher_target(MakeHasher(FAKEDIRTY_PH128).get()), target);
  }
}

TEST_F(TargetFromEnvironment, IsOverriddenByTheOptions) {
  ASSERT_EQ(setenv(kVariable, "avx9000", 1), 0);
  fakedirty_hasher_options options = Options(FAKEDIRTY_PH128);
  options.target = "portable";
  EXPECT_STREQ(fakedirty_hasher_target(MakeHasher(options).get()), "portable");
}

TEST_F(TargetFromEnvironment, IsRefusedWhenUnknown) {
  ASSERT_EQ(setenv(kVariable, "avx9000", 1), 0);
  EXPECT_EQ(TryToCreate(Options(FAKEDIRTY_PH128)), FAKEDIRTY_ERROR_TARGET);
}

TEST_F(TargetFromEnvironment, IsTheBestIfUnset) {
  ASSERT_EQ(unsetenv(kVariable), 0);
  EXPECT_STREQ(fakedirty_hasher_target(MakeHasher(FAKEDIRTY_PH128).get()),
               fakedirty_target_name(0));
}

TEST(Hasher, OfNullHasNoProperties) {
  fakedirty_hasher_destroy(nullptr);
  EXPECT_EQ(fakedirty_hasher_target(nullptr), nullptr);
  EXPECT_EQ(fakedirty_hasher_lanes(nullptr), 0u);
}

TEST(Hasher, HasLanes) {
  for (const int algorithm : Algorithms()) {
    for (const std::string& target : Targets()) {
      fakedirty_hasher_options options = Options(algorithm);
      options.target = target.c_str();
      const size_t lanes = fakedirty_hasher_lanes(MakeHasher(options).get());
      EXPECT_GE(lanes, 1u);
      EXPECT_LE(lanes, 64u);
    }
  }
}

class Digest : public ::testing::TestWithParam<int> {
 protected:
  static constexpr size_t kCount = 3;
  static constexpr uint8_t kUntouched = 0x5A;

  int Try(const fakedirty_hasher* hasher, const void* const* pages, size_t count, void* digests,
          size_t digests_bytes) {
    const int status = fakedirty_digest(hasher, pages, count, digests, digests_bytes);
    if (status != FAKEDIRTY_OK) {
      EXPECT_EQ(digests_, std::vector<uint8_t>(digests_.size(), kUntouched)) << "written on error";
    }
    return status;
  }

  const Hasher hasher_ = MakeHasher(GetParam());
  const size_t bytes_ = kCount * DigestBytes(GetParam());
  std::vector<uint8_t> digests_ = std::vector<uint8_t>(kCount * 32, kUntouched);
  const std::vector<uint8_t> page_ = std::vector<uint8_t>(4096, 1);
  const void* const pages_[kCount] = {page_.data(), page_.data(), page_.data()};
};

TEST_P(Digest, NeedsItsPointers) {
  EXPECT_EQ(Try(nullptr, pages_, kCount, digests_.data(), bytes_), FAKEDIRTY_ERROR_NULL);
  EXPECT_EQ(Try(hasher_.get(), nullptr, kCount, digests_.data(), bytes_), FAKEDIRTY_ERROR_NULL);
  EXPECT_EQ(Try(hasher_.get(), pages_, kCount, nullptr, bytes_), FAKEDIRTY_ERROR_NULL);
  for (size_t at = 0; at < kCount; ++at) {
    const void* holed[] = {pages_[0], pages_[1], pages_[2]};
    holed[at] = nullptr;
    EXPECT_EQ(Try(hasher_.get(), holed, kCount, digests_.data(), bytes_), FAKEDIRTY_ERROR_NULL);
  }
}

TEST_P(Digest, OfZeroPagesNeedsNoPointers) {
  EXPECT_EQ(Try(hasher_.get(), nullptr, 0, nullptr, 0), FAKEDIRTY_OK);
  EXPECT_EQ(Try(nullptr, nullptr, 0, nullptr, 0), FAKEDIRTY_ERROR_NULL);
}

TEST_P(Digest, RefusesHugeCounts) {
  for (const size_t count : {size_t{FAKEDIRTY_BATCH_MAX} + 1, SIZE_MAX / 32, SIZE_MAX}) {
    EXPECT_EQ(Try(hasher_.get(), pages_, count, digests_.data(), SIZE_MAX), FAKEDIRTY_ERROR_COUNT);
  }
}

TEST_P(Digest, RefusesASmallBuffer) {
  for (const size_t room : {size_t{0}, size_t{1}, bytes_ - 1}) {
    EXPECT_EQ(Try(hasher_.get(), pages_, kCount, digests_.data(), room), FAKEDIRTY_ERROR_CAPACITY);
  }
  EXPECT_EQ(Try(hasher_.get(), pages_, kCount, digests_.data(), bytes_), FAKEDIRTY_OK);
  EXPECT_EQ(std::vector<uint8_t>(digests_.begin() + static_cast<ptrdiff_t>(bytes_), digests_.end()),
            std::vector<uint8_t>(digests_.size() - bytes_, kUntouched));
}

// Writing a digest over a page that is hashed later would change that page's digest.
TEST_P(Digest, RefusesToWriteIntoThePages) {
  const size_t page_size = page_.size();
  std::vector<uint8_t> memory(page_size + 2 * bytes_, kUntouched);
  uint8_t* const page = memory.data() + bytes_;
  for (size_t at = 0; at < kCount; ++at) {
    const void* pages[] = {pages_[0], pages_[1], pages_[2]};
    pages[at] = page;
    for (uint8_t* const inside : {page - bytes_ + 1, page, page + page_size - 1}) {
      EXPECT_EQ(Try(hasher_.get(), pages, kCount, inside, bytes_), FAKEDIRTY_ERROR_OVERLAP);
    }
    EXPECT_EQ(memory, std::vector<uint8_t>(memory.size(), kUntouched)) << "written on error";
    for (uint8_t* const beside : {page - bytes_, page + page_size}) {
      EXPECT_EQ(Try(hasher_.get(), pages, kCount, beside, bytes_), FAKEDIRTY_OK);
    }
    memory.assign(memory.size(), kUntouched);
  }
}

TEST_P(Digest, RefusesToWriteOverTheListOfPages) {
  std::vector<const void*> pages(pages_, pages_ + kCount);
  EXPECT_EQ(Try(hasher_.get(), pages.data(), kCount, pages.data() + 1, bytes_),
            FAKEDIRTY_ERROR_OVERLAP);
  EXPECT_EQ(pages, std::vector<const void*>(pages_, pages_ + kCount));
}

TEST_P(Digest, AcceptsTheLargestBatch) {
  const Hasher hasher = MakeHasher(GetParam(), 1024);
  const std::vector<const void*> pages(FAKEDIRTY_BATCH_MAX, page_.data());
  std::vector<uint8_t> digests(pages.size() * DigestBytes(GetParam()));
  EXPECT_EQ(
      fakedirty_digest(hasher.get(), pages.data(), pages.size(), digests.data(), digests.size()),
      FAKEDIRTY_OK);
  EXPECT_TRUE(std::equal(digests.begin() + static_cast<ptrdiff_t>(DigestBytes(GetParam())),
                         digests.end(), digests.begin()));
}

INSTANTIATE_TEST_SUITE_P(Every, Digest, ::testing::ValuesIn(Algorithms()), NameOfAlgorithm);

}  // namespace
}  // namespace fakedirty_test
