// SPDX-License-Identifier: MIT
// Version, status texts, algorithms and targets.
#include <gtest/gtest.h>
#include <limits.h>

#include <set>
#include <string>

#include "choices.h"

namespace fakedirty_test {
namespace {

TEST(Version, IsThatOfTheHeader) {
  EXPECT_EQ(fakedirty_version(), std::to_string(FAKEDIRTY_VERSION_MAJOR) + "." +
                                     std::to_string(FAKEDIRTY_VERSION_MINOR) + "." +
                                     std::to_string(FAKEDIRTY_VERSION_PATCH));
}

TEST(StatusText, DiffersForEachCode) {
  std::set<std::string> texts;
  for (int status = FAKEDIRTY_ERROR_RANDOM; status <= FAKEDIRTY_OK; ++status) {
    const char* const text = fakedirty_status_text(status);
    ASSERT_NE(text, nullptr) << status;
    EXPECT_GE(std::string(text).size(), 5u) << status;
    EXPECT_TRUE(texts.insert(text).second) << status << " says the same as another: " << text;
  }
}

TEST(StatusText, ExistsForUnknownCodes) {
  for (const int status : {1, FAKEDIRTY_ERROR_RANDOM - 1, INT_MIN, INT_MAX}) {
    ASSERT_NE(fakedirty_status_text(status), nullptr) << status;
    EXPECT_STRNE(fakedirty_status_text(status), fakedirty_status_text(FAKEDIRTY_OK)) << status;
  }
}

TEST(AlgorithmInfo, ListsAllAlgorithms) {
  const struct {
    int number;
    const char* name;
    uint32_t digest_bytes, seed_bits, keyed, collision_bits;
  } expected[] = {
      {FAKEDIRTY_PH128, "ph128", 16, 0, 1, 125},
      {FAKEDIRTY_XXH3_128, "xxh3-128", 16, 64, 0, 0},
      {FAKEDIRTY_XXH3_64, "xxh3-64", 8, 64, 0, 0},
      {FAKEDIRTY_XXH64, "xxh64", 8, 64, 0, 0},
      {FAKEDIRTY_XXH32, "xxh32", 4, 32, 0, 0},
      {FAKEDIRTY_SHA256, "sha256", 32, 0, 0, 0},
      {FAKEDIRTY_SHA1, "sha1", 20, 0, 0, 0},
      {FAKEDIRTY_MD5, "md5", 16, 0, 0, 0},
      {FAKEDIRTY_MURMUR3_128, "murmur3-128", 16, 32, 0, 0},
      {FAKEDIRTY_MURMUR3_32, "murmur3-32", 4, 32, 0, 0},
      {FAKEDIRTY_CRC32, "crc32", 4, 0, 0, 0},
  };
  int number = 0;
  for (const auto& row : expected) {
    ASSERT_EQ(row.number, number++);
    const fakedirty_algorithm_properties* const info = fakedirty_algorithm_info(row.number);
    ASSERT_NE(info, nullptr) << row.name;
    EXPECT_STREQ(info->name, row.name);
    EXPECT_EQ(info->digest_bytes, row.digest_bytes) << row.name;
    EXPECT_LE(info->digest_bytes, FAKEDIRTY_DIGEST_BYTES_MAX) << row.name;
    EXPECT_EQ(info->seed_bits, row.seed_bits) << row.name;
    EXPECT_EQ(info->keyed, row.keyed) << row.name;
    EXPECT_EQ(info->collision_bits, row.collision_bits) << row.name;
    EXPECT_EQ(fakedirty_algorithm_find(row.name), row.number);
  }
  EXPECT_EQ(fakedirty_algorithm_info(number), nullptr);
}

// With any other algorithm, somebody who chooses page contents can make them collide.
TEST(AlgorithmInfo, RecommendsOnlyUnforgeableAlgorithms) {
  for (const int algorithm : Algorithms()) {
    const bool unforgeable = algorithm == FAKEDIRTY_PH128 || algorithm == FAKEDIRTY_SHA256;
    EXPECT_EQ(fakedirty_algorithm_info(algorithm)->production, unforgeable ? 1u : 0u)
        << fakedirty_algorithm_info(algorithm)->name;
  }
}

TEST(AlgorithmInfo, IsNullForUnknownAlgorithms) {
  for (const int algorithm : {-1, 11, 1000, INT_MIN, INT_MAX}) {
    EXPECT_EQ(fakedirty_algorithm_info(algorithm), nullptr) << algorithm;
  }
}

TEST(AlgorithmFind, RefusesUnknownNames) {
  for (const char* const name : {"", "PH128", "ph128 ", "ph12", "ph1288", "xxh3", "sha512"}) {
    EXPECT_EQ(fakedirty_algorithm_find(name), FAKEDIRTY_ERROR_ALGORITHM) << name;
  }
  EXPECT_EQ(fakedirty_algorithm_find(nullptr), FAKEDIRTY_ERROR_NULL);
}

TEST(KeyBytes, AreAPageAndFourWords) {
  for (const size_t page_size : kPageSizes) {
    EXPECT_EQ(fakedirty_key_bytes(FAKEDIRTY_PH128, page_size), page_size + 32);
  }
}

TEST(KeyBytes, AreZeroWithoutAKey) {
  for (const int algorithm : Algorithms()) {
    if (algorithm != FAKEDIRTY_PH128) {
      EXPECT_EQ(fakedirty_key_bytes(algorithm, 4096), 0u) << algorithm;
    }
  }
  for (const int algorithm : {-1, 11, INT_MIN, INT_MAX}) {
    EXPECT_EQ(fakedirty_key_bytes(algorithm, 4096), 0u) << algorithm;
  }
  for (const size_t page_size : {size_t{0}, size_t{512}, size_t{4095}, size_t{131072}, SIZE_MAX}) {
    EXPECT_EQ(fakedirty_key_bytes(FAKEDIRTY_PH128, page_size), 0u) << page_size;
  }
}

TEST(TargetName, EndsWithPortableAndRepeatsNone) {
  const std::vector<std::string> targets = Targets();
  ASSERT_FALSE(targets.empty());
  EXPECT_EQ(targets.back(), "portable");
  EXPECT_EQ(std::set<std::string>(targets.begin(), targets.end()).size(), targets.size());
  EXPECT_EQ(fakedirty_target_name(targets.size() + 1), nullptr);
  EXPECT_EQ(fakedirty_target_name(SIZE_MAX), nullptr);
}

}  // namespace
}  // namespace fakedirty_test
