// SPDX-License-Identifier: MIT
// One page at a time: each verdict, and what makes a slot change it.
#include <gtest/gtest.h>
#include <string.h>

#include <tuple>
#include <vector>

#include "choices.h"
#include "filter_calls.h"
#include "handles.h"
#include "random.h"

namespace fakedirty_test {
namespace {

constexpr size_t kPageSize = 1024;

class Verdict : public ::testing::TestWithParam<std::tuple<int, uint32_t>> {
 protected:
  int algorithm() const { return std::get<0>(GetParam()); }

  const Hasher hasher_ = MakeHasher(algorithm(), kPageSize);
  const Table table_ = MakeTable(hasher_, 4, std::get<1>(GetParam()));
  const std::vector<uint8_t> zeros_ = std::vector<uint8_t>(kPageSize);
  const std::vector<uint8_t> a_ = Random(1).Bytes(kPageSize);
  const std::vector<uint8_t> b_ = Random(2).Bytes(kPageSize);
  const void* const zero_page_ = zeros_.data();
  const void* const page_a_ = a_.data();
  const void* const page_b_ = b_.data();
};

TEST_P(Verdict, IsFirstWhileUnknown) {
  EXPECT_EQ(VerdictOn(table_, 0, page_a_), FAKEDIRTY_FIRST);
  EXPECT_EQ(VerdictOn(table_, 0, page_a_), FAKEDIRTY_FIRST) << "the check wrote the slot";
}

TEST_P(Verdict, IsUnchangedOnceSent) {
  Send(table_, {0}, {page_a_});
  EXPECT_EQ(VerdictOn(table_, 0, page_a_), FAKEDIRTY_UNCHANGED);
  EXPECT_EQ(VerdictOn(table_, 1, page_a_), FAKEDIRTY_FIRST) << "another slot was written";
}

TEST_P(Verdict, IsChangedForOtherContents) {
  Send(table_, {0}, {page_a_});
  EXPECT_EQ(VerdictOn(table_, 0, page_b_), FAKEDIRTY_CHANGED);
  Send(table_, {0}, {page_b_});
  EXPECT_EQ(VerdictOn(table_, 0, page_b_), FAKEDIRTY_UNCHANGED);
  EXPECT_EQ(VerdictOn(table_, 0, page_a_), FAKEDIRTY_CHANGED);
}

TEST_P(Verdict, NoticesEveryBitNearTheEdges) {
  Send(table_, {0}, {page_a_});
  for (const size_t byte : {size_t{0}, size_t{1}, size_t{15}, size_t{16}, size_t{63}, size_t{64},
                            kPageSize / 2, kPageSize - 64, kPageSize - 16, kPageSize - 1}) {
    for (int bit = 0; bit < 8; ++bit) {
      std::vector<uint8_t> flipped = a_;
      flipped[byte] ^= static_cast<uint8_t>(1u << bit);
      EXPECT_EQ(VerdictOn(table_, 0, flipped.data()), FAKEDIRTY_CHANGED) << byte << " " << bit;
    }
  }
}

TEST_P(Verdict, IsZeroUntilTheDestinationIsZero) {
  EXPECT_EQ(VerdictOn(table_, 0, zero_page_), FAKEDIRTY_ZERO);
  Send(table_, {0}, {page_a_});
  EXPECT_EQ(VerdictOn(table_, 0, zero_page_), FAKEDIRTY_ZERO);
  Send(table_, {0}, {zero_page_});
  EXPECT_EQ(VerdictOn(table_, 0, zero_page_), FAKEDIRTY_UNCHANGED);
  EXPECT_EQ(VerdictOn(table_, 0, page_a_), FAKEDIRTY_CHANGED);
}

TEST_P(Verdict, IsNotZeroForASingleBit) {
  Send(table_, {0}, {zero_page_});
  for (size_t byte = 0; byte < kPageSize; ++byte) {
    std::vector<uint8_t> almost(kPageSize);
    almost[byte] = static_cast<uint8_t>(1u << byte % 8);
    EXPECT_EQ(VerdictOn(table_, 0, almost.data()), FAKEDIRTY_CHANGED) << byte;
    EXPECT_EQ(VerdictOn(table_, 1, almost.data()), FAKEDIRTY_FIRST) << byte;
  }
}

TEST_P(Verdict, IsUnaffectedByADroppedPage) {
  Send(table_, {0}, {page_a_});
  Check(table_, {0}, {page_b_});                            // looked at and never sent
  Classify(table_, kPageSize, {0, 1}, {page_b_, page_b_});  // staged and dropped
  EXPECT_EQ(VerdictOn(table_, 0, page_a_), FAKEDIRTY_UNCHANGED);
  EXPECT_EQ(VerdictOn(table_, 0, page_b_), FAKEDIRTY_CHANGED);
  EXPECT_EQ(VerdictOn(table_, 1, page_b_), FAKEDIRTY_FIRST);
}

// A batch is looked at before any of it is committed; commits happen in order.
TEST_P(Verdict, OfARepeatedPageComesFromTheSlot) {
  const Seen seen = Check(table_, {2, 2, 2}, {page_a_, page_a_, page_b_});
  EXPECT_EQ(seen.verdicts, std::vector<uint8_t>(3, FAKEDIRTY_FIRST));
  Commit(table_, {2, 2, 2}, {page_a_, page_a_, page_b_}, seen.fingerprints);
  EXPECT_EQ(VerdictOn(table_, 2, page_b_), FAKEDIRTY_UNCHANGED);
  EXPECT_EQ(VerdictOn(table_, 2, page_a_), FAKEDIRTY_CHANGED);
}

// The documented layout: the digest, then zeros; a zero page has a one in the digest's last byte.
TEST_P(Verdict, ComesWithTheFingerprint) {
  const size_t digest_bytes = DigestBytes(algorithm());
  const Seen seen = Check(table_, {0, 1}, {page_a_, zero_page_});
  fakedirty_fingerprint expected = {};
  ASSERT_EQ(fakedirty_digest(hasher_.get(), &page_a_, 1, expected.bytes, digest_bytes),
            FAKEDIRTY_OK);
  EXPECT_EQ(memcmp(&seen.fingerprints[0], &expected, sizeof(expected)), 0);
  expected = {};
  expected.bytes[digest_bytes - 1] = 1;
  EXPECT_EQ(memcmp(&seen.fingerprints[1], &expected, sizeof(expected)), 0);
}

// A table keeps its hasher alive when the owner destroys it.
TEST_P(Verdict, OutlivesTheHandleOfTheHasher) {
  Hasher hasher = MakeHasher(algorithm(), kPageSize);
  const Table one = MakeTable(hasher, 1, std::get<1>(GetParam()));
  Table other = MakeTable(hasher, 1, std::get<1>(GetParam()));
  hasher.reset();
  Send(one, {0}, {page_a_});
  other.reset();
  EXPECT_EQ(VerdictOn(one, 0, page_a_), FAKEDIRTY_UNCHANGED);
  EXPECT_EQ(VerdictOn(one, 0, page_b_), FAKEDIRTY_CHANGED);
}

INSTANTIATE_TEST_SUITE_P(Every, Verdict,
                         ::testing::Combine(::testing::ValuesIn(Algorithms()),
                                            ::testing::Values(0u, FAKEDIRTY_TABLE_VERIFY)),
                         [](const auto& info) {
                           return TestName(
                                      fakedirty_algorithm_info(std::get<0>(info.param))->name) +
                                  (std::get<1>(info.param) ? "_verifying" : "");
                         });

// Pages whose 32-bit checksum is a reserved value. CRC-32 is linear: with the last four bytes, any
// checksum can be made.
std::vector<uint8_t> PageWithCrc32(const Hasher& hasher, uint32_t wanted) {
  std::vector<uint8_t> page = Random(9).Bytes(kPageSize);
  const auto crc32 = [&] {
    const void* const pages[] = {page.data()};
    uint8_t digest[4];
    EXPECT_EQ(fakedirty_digest(hasher.get(), pages, 1, digest, 4), FAKEDIRTY_OK);
    return uint32_t{digest[0]} << 24 | uint32_t{digest[1]} << 16 | uint32_t{digest[2]} << 8 |
           uint32_t{digest[3]};
  };
  memset(page.data() + kPageSize - 4, 0, 4);
  const uint32_t base = crc32();
  uint32_t effects[32], inputs[32];  // of each bit of the last four bytes
  for (int bit = 0; bit < 32; ++bit) {
    page[kPageSize - 4 + bit / 8] = static_cast<uint8_t>(1u << bit % 8);
    effects[bit] = crc32() ^ base;
    inputs[bit] = 1u << bit;
    page[kPageSize - 4 + bit / 8] = 0;
  }
  uint32_t missing = wanted ^ base, input = 0;
  for (int column = 31, row = 0; column >= 0; --column) {  // elimination
    int pivot = row;
    while (pivot < 32 && !(effects[pivot] >> column & 1)) ++pivot;
    if (pivot == 32) continue;
    std::swap(effects[row], effects[pivot]);
    std::swap(inputs[row], inputs[pivot]);
    for (int other = 0; other < 32; ++other) {
      if (other != row && effects[other] >> column & 1) {
        effects[other] ^= effects[row];
        inputs[other] ^= inputs[row];
      }
    }
    if (missing >> column & 1) {
      missing ^= effects[row];
      input ^= inputs[row];
    }
    ++row;
  }
  for (int i = 0; i < 4; ++i) {
    page[kPageSize - 4 + static_cast<size_t>(i)] = static_cast<uint8_t>(input >> (8 * i));
  }
  EXPECT_EQ(crc32(), wanted);
  return page;
}

// As slots, 0 would mean unknown and 1 a zero page. Such digests are changed, and the page is known
// all the same.
TEST(ReservedValues, AreNeverTheFingerprintOfAPage) {
  const Hasher hasher = MakeHasher(FAKEDIRTY_CRC32, kPageSize);
  const std::vector<uint8_t> zeros(kPageSize);
  for (const uint32_t reserved : {0u, 1u}) {
    const Table table = MakeTable(hasher, 1);
    const std::vector<uint8_t> page = PageWithCrc32(hasher, reserved);
    const Seen seen = Check(table, {0}, {page.data()});
    EXPECT_EQ(seen.verdicts[0], FAKEDIRTY_FIRST);
    const uint8_t moved[] = {0x80, 0, 0, static_cast<uint8_t>(reserved)};
    EXPECT_EQ(memcmp(seen.fingerprints[0].bytes, moved, sizeof(moved)), 0);
    Commit(table, {0}, {page.data()}, seen.fingerprints);
    EXPECT_EQ(Statistics(table).known, 1u);
    EXPECT_EQ(VerdictOn(table, 0, page.data()), FAKEDIRTY_UNCHANGED);
    EXPECT_EQ(VerdictOn(table, 0, zeros.data()), FAKEDIRTY_ZERO);
    Send(table, {0}, {zeros.data()});
    EXPECT_EQ(VerdictOn(table, 0, page.data()), FAKEDIRTY_CHANGED);
  }
}

}  // namespace
}  // namespace fakedirty_test
