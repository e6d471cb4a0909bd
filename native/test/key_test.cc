// SPDX-License-Identifier: MIT
// Keys of hashers: a random one for each hasher (R5), or the caller's.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "choices.h"
#include "filter_calls.h"
#include "handles.h"
#include "hexadecimal.h"
#include "random.h"

namespace fakedirty_test {
namespace {

std::vector<uint8_t> DigestOf(const Hasher& hasher, const std::vector<uint8_t>& page) {
  const void* const pages[] = {page.data()};
  std::vector<uint8_t> digest(16);
  EXPECT_EQ(fakedirty_digest(hasher.get(), pages, 1, digest.data(), digest.size()), FAKEDIRTY_OK);
  return digest;
}

TEST(Key, DiffersForEachHasher) {
  const std::vector<uint8_t> page = Random(1).Bytes(4096);
  std::set<std::vector<uint8_t>> digests;
  for (int i = 0; i < 20; ++i) digests.insert(DigestOf(MakeHasher(FAKEDIRTY_PH128), page));
  EXPECT_EQ(digests.size(), 20u);
}

// Every word must be random: one that is not would be the same in all keys. The digest of a page of
// zeros depends on every word of the key, and on nothing else.
TEST(Key, FromTheCallerIsUsedToTheLastWord) {
  const size_t page_size = 1024;
  const std::vector<uint8_t> page(page_size);
  std::vector<uint8_t> key = Random(2).Bytes(fakedirty_key_bytes(FAKEDIRTY_PH128, page_size));
  fakedirty_hasher_options options = Options(FAKEDIRTY_PH128, page_size);
  options.key = key.data();
  options.key_bytes = key.size();
  std::set<std::vector<uint8_t>> digests = {DigestOf(MakeHasher(options), page)};
  for (size_t word = 0; word < key.size() / 8; ++word) {
    key[8 * word] ^= 1;
    EXPECT_TRUE(digests.insert(DigestOf(MakeHasher(options), page)).second) << word;
    key[8 * word] ^= 1;
  }
}

TEST(Key, FromTheCallerIsCopied) {
  const std::vector<uint8_t> page = Random(3).Bytes(4096);
  std::vector<uint8_t> key = Random(4).Bytes(4096 + 32);
  fakedirty_hasher_options options = Options(FAKEDIRTY_PH128);
  options.key = key.data();
  options.key_bytes = key.size();
  const Hasher hasher = MakeHasher(options);
  const std::vector<uint8_t> before = DigestOf(hasher, page);
  EXPECT_EQ(DigestOf(MakeHasher(options), page), before);
  key.assign(key.size(), 0);
  EXPECT_EQ(DigestOf(hasher, page), before);
}

TEST(Key, MayHaveAnyAlignment) {
  const std::vector<uint8_t> page = Random(3).Bytes(4096);
  const std::vector<uint8_t> key = Random(4).Bytes(4096 + 32);
  fakedirty_hasher_options options = Options(FAKEDIRTY_PH128);
  options.key_bytes = key.size();
  std::set<std::vector<uint8_t>> digests;
  std::vector<uint8_t> moved(key.size() + 64);
  for (size_t shift = 0; shift < 64; shift += 5) {
    std::copy(key.begin(), key.end(), moved.begin() + static_cast<ptrdiff_t>(shift));
    options.key = moved.data() + shift;
    digests.insert(DigestOf(MakeHasher(options), page));
  }
  EXPECT_EQ(digests.size(), 1u);
}

// Fingerprints of tables of one hasher can be compared, but the tables share no slots.
TEST(Key, IsSharedByTablesWhoseSlotsAreNot) {
  const Hasher hasher = MakeHasher(FAKEDIRTY_PH128);
  const std::vector<uint8_t> page = Random(5).Bytes(4096);
  const Table one = MakeTable(hasher, 1), other = MakeTable(hasher, 1);
  const Seen seen = Check(one, {0}, {page.data()});
  Commit(one, {0}, {page.data()}, seen.fingerprints);
  EXPECT_EQ(VerdictOn(other, 0, page.data()), FAKEDIRTY_FIRST);
  Commit(other, {0}, {page.data()}, seen.fingerprints);
  EXPECT_EQ(VerdictOn(other, 0, page.data()), FAKEDIRTY_UNCHANGED);
}

TEST(Seed, ChangesTheDigest) {
  const std::vector<uint8_t> page = Random(6).Bytes(4096);
  const void* const pages[] = {page.data()};
  for (const int algorithm : Algorithms()) {
    const uint32_t bits = fakedirty_algorithm_info(algorithm)->seed_bits;
    if (bits == 0) continue;
    std::set<std::string> digests;
    for (uint32_t bit = 0; bit < bits; ++bit) {
      fakedirty_hasher_options options = Options(algorithm);
      options.seed = uint64_t{1} << bit;
      std::vector<uint8_t> digest(DigestBytes(algorithm));
      EXPECT_EQ(fakedirty_digest(MakeHasher(options).get(), pages, 1, digest.data(), digest.size()),
                FAKEDIRTY_OK);
      digests.insert(Hexadecimal(digest));
    }
    EXPECT_EQ(digests.size(), bits) << fakedirty_algorithm_info(algorithm)->name;
  }
}

}  // namespace
}  // namespace fakedirty_test
