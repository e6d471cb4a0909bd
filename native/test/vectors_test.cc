// SPDX-License-Identifier: MIT
// Every instruction set gives the digests of vectors.inc, which other software computed.
//
// Page contents: `zeros`, and `steps`, whose byte i is (i * 131 + (i >> 8)) & 255. The key of ph128
// is page size + 32 bytes of splitmix64 (random.h) started at 0, its words stored little-endian.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "choices.h"
#include "handles.h"
#include "hexadecimal.h"
#include "random.h"

namespace fakedirty_test {
namespace {

using Content = std::vector<uint8_t> (*)(size_t page_size);

std::vector<uint8_t> zeros(size_t page_size) { return std::vector<uint8_t>(page_size); }

std::vector<uint8_t> steps(size_t page_size) {
  std::vector<uint8_t> page(page_size);
  for (size_t i = 0; i < page_size; ++i) page[i] = static_cast<uint8_t>(i * 131 + (i >> 8));
  return page;
}

struct Vector {
  int algorithm;
  uint64_t seed;
  Content content;
  size_t page_size;
  const char* digest;
};

constexpr Vector kVectors[] = {
#define VECTOR(algorithm, seed, content, page_size, digest) \
  {FAKEDIRTY_##algorithm, seed, content, page_size, digest},
#include "vectors.inc"
#undef VECTOR
};

class Vectors : public ::testing::TestWithParam<AlgorithmAndTarget> {};

TEST_P(Vectors, Hold) {
  const auto& [algorithm, target] = GetParam();
  int checked = 0;
  for (const Vector& vector : kVectors) {
    if (vector.algorithm != algorithm) continue;
    fakedirty_hasher_options options = Options(algorithm, vector.page_size);
    options.seed = vector.seed;
    options.target = target.c_str();
    const std::vector<uint8_t> key =
        Random().Bytes(fakedirty_key_bytes(algorithm, vector.page_size));
    if (!key.empty()) {
      options.key = key.data();
      options.key_bytes = key.size();
    }
    const Hasher hasher = MakeHasher(options);
    ASSERT_STREQ(fakedirty_hasher_target(hasher.get()), target.c_str());
    const std::vector<uint8_t> page = vector.content(vector.page_size);
    // Alone, and enough copies to fill the lanes: the first way is another path in some kernels.
    const size_t digest_bytes = DigestBytes(algorithm);
    for (const size_t count : {size_t{1}, fakedirty_hasher_lanes(hasher.get()) + 1}) {
      const std::vector<const void*> pages(count, page.data());
      std::vector<uint8_t> digests(count * digest_bytes);
      ASSERT_EQ(fakedirty_digest(hasher.get(), pages.data(), count, digests.data(), digests.size()),
                FAKEDIRTY_OK);
      for (size_t i = 0; i < count; ++i) {
        EXPECT_EQ(Hexadecimal(digests.data() + i * digest_bytes, digest_bytes), vector.digest)
            << "page size " << vector.page_size << ", seed " << vector.seed << ", page " << i
            << " of " << count;
      }
    }
    ++checked;
  }
  const int seeds = fakedirty_algorithm_info(algorithm)->seed_bits > 0 ? 2 : 1;
  EXPECT_EQ(checked, 7 * (seeds + 1)) << "vectors.inc has lost lines of this algorithm";
}

INSTANTIATE_TEST_SUITE_P(Every, Vectors,
                         ::testing::Combine(::testing::ValuesIn(Algorithms()),
                                            ::testing::ValuesIn(Targets())),
                         NameOfBoth);

}  // namespace
}  // namespace fakedirty_test
