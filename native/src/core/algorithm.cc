// SPDX-License-Identifier: MIT
// The list of fingerprint algorithms, by number and by name.
#include "src/core/algorithm.h"

#include <string.h>

#include "src/kernels/ph128_key.h"
#include "src/kernels/xxhash.h"

namespace fakedirty {
namespace {

void LayOutPh128(const uint8_t* key, uint64_t, size_t page_size, uint8_t* layout) {
  LayOutPh128Key(key, page_size, layout);
}

size_t Xxh3LayoutBytes(size_t) { return kXxh3SecretBytes; }

void LayOutXxh3(const uint8_t*, uint64_t seed, size_t, uint8_t* layout) {
  DeriveXxh3Secret(seed, layout);
}

// In the order of fakedirty_algorithm.
// ph128's bound is 2^-126 for two digests (docs/guides/libfakedirty.md has the proof) and 2^-125
// for two fingerprints, because a slot reserves two of its values. An algorithm is fit for
// production if nobody is known to have made, or can make, two contents that collide: strangers
// decide what pages hold (a mail, an upload, a cached file).
constexpr Algorithm kAlgorithms[] = {
    // name, bytes, seed bits, keyed, collision bits, production
    {{"ph128", 16, 0, 1, 125, 1}, Ph128Kernel, Ph128LayoutBytes, LayOutPh128},
    {{"xxh3-128", 16, 64, 0, 0, 0}, Xxh3_128Kernel, Xxh3LayoutBytes, LayOutXxh3},
    {{"xxh3-64", 8, 64, 0, 0, 0}, Xxh3_64Kernel, Xxh3LayoutBytes, LayOutXxh3},
    {{"xxh64", 8, 64, 0, 0, 0}, Xxh64Kernel, nullptr, nullptr},
    {{"xxh32", 4, 32, 0, 0, 0}, Xxh32Kernel, nullptr, nullptr},
    {{"sha256", 32, 0, 0, 0, 1}, Sha256Kernel, nullptr, nullptr},
    {{"sha1", 20, 0, 0, 0, 0}, Sha1Kernel, nullptr, nullptr},
    {{"md5", 16, 0, 0, 0, 0}, Md5Kernel, nullptr, nullptr},
    {{"murmur3-128", 16, 32, 0, 0, 0}, Murmur3_128Kernel, nullptr, nullptr},
    {{"murmur3-32", 4, 32, 0, 0, 0}, Murmur3_32Kernel, nullptr, nullptr},
    {{"crc32", 4, 0, 0, 0, 0}, Crc32Kernel, nullptr, nullptr},
};
constexpr int kCount = sizeof(kAlgorithms) / sizeof(kAlgorithms[0]);

static_assert(kCount == FAKEDIRTY_CRC32 + 1, "one row for each fakedirty_algorithm");

}  // namespace

const Algorithm* FindAlgorithm(int number) {
  return number >= 0 && number < kCount ? &kAlgorithms[number] : nullptr;
}

int FindAlgorithmNumber(const char* name) {
  for (int number = 0; number < kCount; ++number) {
    if (strcmp(kAlgorithms[number].properties.name, name) == 0) return number;
  }
  return FAKEDIRTY_ERROR_ALGORITHM;
}

size_t KeyBytes(const Algorithm& algorithm, size_t page_size) {
  return algorithm.properties.keyed ? Ph128KeyBytes(page_size) : 0;  // the only keyed one
}

}  // namespace fakedirty
