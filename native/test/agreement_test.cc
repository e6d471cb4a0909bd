// SPDX-License-Identifier: MIT
// On random pages of each size, every instruction set agrees with independent implementations.
#include <gtest/gtest.h>

#include <vector>

#include "choices.h"
#include "guarded_memory.h"
#include "handles.h"
#include "hexadecimal.h"
#include "random.h"
#include "reference/oracle.h"
#include "sanitizers.h"

namespace fakedirty_test {
namespace {

class Agreement : public ::testing::TestWithParam<AlgorithmAndTarget> {
 protected:
  int algorithm() const { return std::get<0>(GetParam()); }
  size_t digest_bytes() const { return DigestBytes(algorithm()); }

  // A hasher with a random seed and key, as far as the algorithm takes them.
  Hasher Make(size_t page_size) {
    page_size_ = page_size;
    const uint32_t seed_bits = fakedirty_algorithm_info(algorithm())->seed_bits;
    seed_ = seed_bits == 0 ? 0 : random_.Next() >> (64 - seed_bits);
    key_ = random_.Bytes(fakedirty_key_bytes(algorithm(), page_size));
    fakedirty_hasher_options options = Options(algorithm(), page_size);
    options.seed = seed_;
    options.key = key_.empty() ? nullptr : key_.data();
    options.key_bytes = key_.size();
    options.target = std::get<1>(GetParam()).c_str();
    return MakeHasher(options);
  }

  std::vector<uint8_t> Digests(const Hasher& hasher, const std::vector<const void*>& pages) {
    constexpr uint8_t kUntouched = 0xA5;
    std::vector<uint8_t> digests(pages.size() * digest_bytes() + 1, kUntouched);
    EXPECT_EQ(fakedirty_digest(hasher.get(), pages.data(), pages.size(), digests.data(),
                               digests.size() - 1),
              FAKEDIRTY_OK);
    EXPECT_EQ(digests.back(), kUntouched);
    digests.pop_back();
    return digests;
  }

  std::string Expected(const void* page) const {
    return Hexadecimal(OracleDigest(algorithm(), seed_, key_.data(),
                                    static_cast<const uint8_t*>(page), page_size_));
  }

  // Every page in the batch has the oracle's digest.
  void Check(const Hasher& hasher, const std::vector<const void*>& pages) {
    const std::vector<uint8_t> digests = Digests(hasher, pages);
    for (size_t i = 0; i < pages.size(); ++i) {
      ASSERT_EQ(Hexadecimal(digests.data() + i * digest_bytes(), digest_bytes()),
                Expected(pages[i]))
          << "page " << i << " of " << pages.size() << ", size " << page_size_;
    }
  }

  Random random_{42};
  size_t page_size_ = 0;
  uint64_t seed_ = 0;
  std::vector<uint8_t> key_;
};

TEST_P(Agreement, OnRandomPagesAnywhere) {
  for (const size_t page_size : kPageSizes) {
    const Hasher hasher = Make(page_size);
    const size_t count = 37;
    std::vector<uint8_t> memory = random_.Bytes(8 * page_size + 64);
    std::vector<const void*> pages;
    for (size_t i = 0; i < count; ++i) {
      pages.push_back(memory.data() + random_.Below(memory.size() - page_size + 1));
    }
    Check(hasher, pages);
  }
}

// Kernels fill lanes first, then hash the pages that are left over.
TEST_P(Agreement, OnBatchesThatDoNotFillLanes) {
  const size_t page_size = 1024;
  const Hasher hasher = Make(page_size);
  const std::vector<uint8_t> memory = random_.Bytes(71 * page_size);
  std::vector<const void*> pages;
  std::vector<std::string> expected;
  for (size_t count = 0; count <= 70; ++count) {
    const std::vector<uint8_t> digests = Digests(hasher, pages);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(Hexadecimal(digests.data() + i * digest_bytes(), digest_bytes()), expected[i])
          << "page " << i << " of " << count;
    }
    pages.push_back(memory.data() + count * page_size);
    expected.push_back(Expected(pages.back()));
  }
}

TEST_P(Agreement, OnBatchesAndOnTheirPagesAlone) {
  for (const size_t page_size : kPageSizes) {
    const Hasher hasher = Make(page_size);
    const size_t count = kSlow ? 19 : 67;
    const std::vector<uint8_t> memory = random_.Bytes(count * page_size);
    std::vector<const void*> pages;
    std::vector<uint8_t> singles;
    for (size_t i = 0; i < count; ++i) {
      pages.push_back(memory.data() + i * page_size);
      const std::vector<uint8_t> single = Digests(hasher, {pages.back()});
      singles.insert(singles.end(), single.begin(), single.end());
    }
    EXPECT_EQ(Digests(hasher, pages), singles) << page_size;
  }
}

// Lanes must be independent: one page of many equal ones differs.
TEST_P(Agreement, OnPagesThatDifferInOneBit) {
  for (const size_t page_size : {size_t{1024}, size_t{4096}}) {
    const Hasher hasher = Make(page_size);
    const std::vector<uint8_t> page = random_.Bytes(page_size);
    for (int round = 0; round < 8; ++round) {
      std::vector<uint8_t> flipped = page;
      flipped[random_.Below(page_size)] ^= static_cast<uint8_t>(1u << random_.Below(8));
      std::vector<const void*> pages(35, page.data());
      pages[random_.Below(pages.size())] = flipped.data();
      Check(hasher, pages);
    }
  }
}

TEST_P(Agreement, OnUniformPages) {
  for (const size_t page_size : kPageSizes) {
    const Hasher hasher = Make(page_size);
    const std::vector<uint8_t> zeros(page_size), ones(page_size, 0xFF);
    Check(hasher, {zeros.data(), ones.data(), zeros.data()});
  }
}

// A kernel that reads past either end crashes.
TEST_P(Agreement, AtTheVeryEndsOfMemory) {
  for (const size_t page_size : kPageSizes) {
    const Hasher hasher = Make(page_size);
    GuardedMemory memory(page_size);
    random_.Fill(memory.begin(), page_size);
    if (memory.begin() + page_size != memory.end()) {
      random_.Fill(memory.end() - page_size, page_size);
    }
    memory.ForbidWriting();
    const void* const first = memory.begin();
    const void* const last = memory.end() - page_size;
    Check(hasher, {first});
    Check(hasher, {last});
    std::vector<const void*> pages(33, last);
    pages.insert(pages.end(), 34, first);
    Check(hasher, pages);
  }
}

// The same at unaligned addresses.
TEST_P(Agreement, OnUnalignedPagesNextToForbiddenMemory) {
  const size_t page_size = 1024;
  const Hasher hasher = Make(page_size);
  GuardedMemory memory(4096);
  random_.Fill(memory.begin(), 4096);
  for (size_t shift = 0; shift < 64; shift += 7) {
    std::vector<const void*> pages;
    for (size_t i = 0; i < 18; ++i) {
      pages.push_back(memory.begin() + shift);
      pages.push_back(memory.end() - page_size - (shift > 3 ? shift - 3 : 0));
    }
    Check(hasher, pages);
  }
}

INSTANTIATE_TEST_SUITE_P(Every, Agreement,
                         ::testing::Combine(::testing::ValuesIn(Algorithms()),
                                            ::testing::ValuesIn(Targets())),
                         NameOfBoth);

}  // namespace
}  // namespace fakedirty_test
