// SPDX-License-Identifier: MIT
// Key material: filled completely or not at all, wiped when asked.
#include "src/core/secret.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace fakedirty_test {
namespace {

using fakedirty::FillRandom;
using fakedirty::Secret;

// Each source misbehaves in one way, and counts its calls.
int calls = 0;

ssize_t Give(void* buffer, size_t bytes, size_t most) {
  const size_t given = std::min(bytes, most);
  memset(buffer, ++calls, given);
  return static_cast<ssize_t>(given);
}

ssize_t FiveAtATime(void* buffer, size_t bytes) { return Give(buffer, bytes, 5); }

ssize_t InterruptedEverySecondTime(void* buffer, size_t bytes) {
  if (calls % 2 == 0) {
    ++calls;
    errno = EINTR;
    return -1;
  }
  return Give(buffer, bytes, 16);
}

ssize_t FailsAtOnce(void*, size_t) {
  ++calls;
  errno = ENOSYS;
  return -1;
}

ssize_t FailsLater(void* buffer, size_t bytes) {
  if (calls < 2) return Give(buffer, bytes, 8);
  errno = EIO;
  return -1;
}

ssize_t GivesNothing(void*, size_t) {
  ++calls;
  errno = EINTR;  // stale: it must not be looked at
  return 0;
}

class RandomBytes : public ::testing::Test {
 protected:
  RandomBytes() { calls = 0; }
  static constexpr uint8_t kUntouched = 0xF7;
  uint8_t buffer_[64 + 1] = {};

  bool AllGiven() const {
    return std::none_of(buffer_, buffer_ + 64, [](uint8_t byte) { return byte == 0; });
  }
};

TEST_F(RandomBytes, AreGatheredFromShortReads) {
  buffer_[64] = kUntouched;
  EXPECT_TRUE(FillRandom(buffer_, 64, FiveAtATime));
  EXPECT_EQ(calls, 13);
  EXPECT_TRUE(AllGiven());
  EXPECT_EQ(buffer_[0], 1);
  EXPECT_EQ(buffer_[63], 13);
  EXPECT_EQ(buffer_[64], kUntouched);
}

TEST_F(RandomBytes, AreRequestedAgainAfterASignal) {
  EXPECT_TRUE(FillRandom(buffer_, 64, InterruptedEverySecondTime));
  EXPECT_EQ(calls, 8);
  EXPECT_TRUE(AllGiven());
}

TEST_F(RandomBytes, FailWithTheirSource) {
  EXPECT_FALSE(FillRandom(buffer_, 64, FailsAtOnce));
  EXPECT_EQ(calls, 1);
}

TEST_F(RandomBytes, FailWhenTheSourceFailsLater) {
  EXPECT_FALSE(FillRandom(buffer_, 64, FailsLater));
  EXPECT_EQ(calls, 2);
}

TEST_F(RandomBytes, FailWhenTheSourceGivesNothing) {
  EXPECT_FALSE(FillRandom(buffer_, 64, GivesNothing));
  EXPECT_EQ(calls, 1);
}

TEST_F(RandomBytes, NeedNoSourceForZeroBytes) {
  EXPECT_TRUE(FillRandom(buffer_, 0, FailsAtOnce));
  EXPECT_EQ(calls, 0);
}

// More than getrandom(2) returns in one call without the risk of an interruption.
TEST_F(RandomBytes, ComeFromTheKernel) {
  std::vector<uint8_t> one(65536 + 32), other(one.size());
  ASSERT_TRUE(FillRandom(one.data(), one.size()));
  ASSERT_TRUE(FillRandom(other.data(), other.size()));
  EXPECT_NE(one, other);
  int ones = 0;
  for (const uint8_t byte : one) ones += __builtin_popcount(byte);
  const int bits = static_cast<int>(one.size()) * 8;
  EXPECT_NEAR(ones, bits / 2, bits / 100);  // 14 standard deviations
}

TEST(Secrets, StartAsZerosOnPagesOfTheirOwn) {
  Secret secret;
  ASSERT_TRUE(secret.Allocate(5000));
  EXPECT_EQ(secret.size(), 5000u);
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(secret.data()) % page, 0u);
  EXPECT_TRUE(std::all_of(secret.data(), secret.data() + 5000, [](uint8_t b) { return b == 0; }));
}

TEST(Secrets, AreWipedToTheLastByte) {
  Secret secret;
  ASSERT_TRUE(secret.Allocate(4097));
  memset(secret.data(), 0xAB, secret.size());
  const uint8_t* const before = secret.data();
  secret.Wipe();
  EXPECT_EQ(secret.data(), before);
  EXPECT_EQ(secret.size(), 4097u);
  EXPECT_TRUE(std::all_of(secret.data(), secret.data() + 4097, [](uint8_t b) { return b == 0; }));
}

TEST(Secrets, MayBeTooLarge) {
  Secret secret;
  EXPECT_FALSE(secret.Allocate(SIZE_MAX / 2));
}

TEST(Secrets, MayStayEmpty) { const Secret secret; }

}  // namespace
}  // namespace fakedirty_test
