// SPDX-License-Identifier: MIT
// Published digests of inputs that happen to be as long as a page.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "choices.h"
#include "handles.h"
#include "hexadecimal.h"

namespace fakedirty_test {
namespace {

// The buffer of xxHash's own self-test (xsum_sanity_check.c): top bytes of a multiplied counter.
constexpr uint64_t kPrime32 = 2654435761u;
constexpr uint64_t kPrime64 = 11400714785074694797u;

std::vector<uint8_t> SanityBuffer(size_t bytes) {
  std::vector<uint8_t> buffer(bytes);
  uint64_t generator = kPrime32;
  for (uint8_t& byte : buffer) {
    byte = static_cast<uint8_t>(generator >> 56);
    generator *= kPrime64;
  }
  return buffer;
}

std::vector<uint8_t> Zeros(size_t bytes) { return std::vector<uint8_t>(bytes); }

struct Published {
  int algorithm;
  uint64_t seed;
  std::vector<uint8_t> (*content)(size_t bytes);
  size_t page_size;
  const char* digest;
};

constexpr Published kPublished[] = {
    // xxHash's self-test and sanity_test_vectors.h.
    {FAKEDIRTY_XXH3_64, 0, SanityBuffer, 1024, "dd85c9b5c1109c5c"},
    {FAKEDIRTY_XXH3_64, kPrime64, SanityBuffer, 1024, "ef368a8a2ebabaef"},
    {FAKEDIRTY_XXH3_64, 0, SanityBuffer, 2048, "dd59e2c3a5f038e0"},
    {FAKEDIRTY_XXH3_64, kPrime64, SanityBuffer, 2048, "66f81670669ababc"},
    {FAKEDIRTY_XXH3_64, 0, SanityBuffer, 4096, "e91206429d1f48f9"},
    {FAKEDIRTY_XXH3_64, kPrime64, SanityBuffer, 4096, "2a3bbb20a5439dcd"},
    {FAKEDIRTY_XXH3_128, 0, SanityBuffer, 2048, "f736557fd47073a5dd59e2c3a5f038e0"},
    {FAKEDIRTY_XXH3_128, kPrime32, SanityBuffer, 2048, "7fb03f7e7186c3ea230d43f30206260b"},
    // Blocks of zeros turn up on every disk; their digests are in many catalogues of known files.
    {FAKEDIRTY_MD5, 0, Zeros, 1024, "0f343b0931126a20f133d67c2b018a3b"},
    {FAKEDIRTY_MD5, 0, Zeros, 4096, "620f0b67a91f7f74151bc5be745b7110"},
    {FAKEDIRTY_MD5, 0, Zeros, 65536, "fcd6bcb56c1689fcef28b57c22475bad"},
    {FAKEDIRTY_SHA1, 0, Zeros, 1024, "60cacbf3d72e1e7834203da608037b1bf83b40e8"},
    {FAKEDIRTY_SHA1, 0, Zeros, 4096, "1ceaf73df40e531df3bfb26b4fb7cd95fb7bff1d"},
    {FAKEDIRTY_SHA1, 0, Zeros, 65536, "1adc95bebe9eea8c112d40cd04ab7a8d75c4f961"},
    {FAKEDIRTY_SHA256, 0, Zeros, 1024,
     "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"},
    {FAKEDIRTY_SHA256, 0, Zeros, 4096,
     "ad7facb2586fc6e966c004d7d1d16b024f5805ff7cb47c7a85dabd8b48892ca7"},
    {FAKEDIRTY_SHA256, 0, Zeros, 65536,
     "de2f256064a0af797747c2b97505dc0b9f3df0de4f489eac731c23ae9ca9cc31"},
    {FAKEDIRTY_CRC32, 0, Zeros, 1024, "efb5af2e"},
    {FAKEDIRTY_CRC32, 0, Zeros, 4096, "c71c0011"},
    {FAKEDIRTY_CRC32, 0, Zeros, 65536, "d7978eeb"},
};

class PublishedDigests : public ::testing::TestWithParam<std::string> {};

TEST_P(PublishedDigests, Hold) {
  for (const Published& published : kPublished) {
    fakedirty_hasher_options options = Options(published.algorithm, published.page_size);
    options.seed = published.seed;
    options.target = GetParam().c_str();
    const Hasher hasher = MakeHasher(options);
    const std::vector<uint8_t> page = published.content(published.page_size);
    const void* const pages[] = {page.data()};
    std::vector<uint8_t> digest(DigestBytes(published.algorithm));
    ASSERT_EQ(fakedirty_digest(hasher.get(), pages, 1, digest.data(), digest.size()), FAKEDIRTY_OK);
    EXPECT_EQ(Hexadecimal(digest), published.digest)
        << fakedirty_algorithm_info(published.algorithm)->name << " of " << published.page_size;
  }
}

INSTANTIATE_TEST_SUITE_P(Every, PublishedDigests, ::testing::ValuesIn(Targets()), NameOfTarget);

}  // namespace
}  // namespace fakedirty_test
