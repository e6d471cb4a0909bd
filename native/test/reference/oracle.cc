// SPDX-License-Identifier: MIT
// The digest of a page by other implementations: OpenSSL, zlib, libxxhash, the slow references.
#include "reference/oracle.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <xxhash.h>
#include <zlib.h>

#include "include/fakedirty.h"
#include "reference/murmur3.h"
#include "reference/ph128.h"

namespace fakedirty_test {
namespace {

using Bytes = std::vector<uint8_t>;

void AppendBig(uint64_t word, int bytes, Bytes* to) {
  while (bytes-- > 0) to->push_back(static_cast<uint8_t>(word >> (8 * bytes)));
}

Bytes Big32(uint32_t word) {
  Bytes bytes;
  AppendBig(word, 4, &bytes);
  return bytes;
}

Bytes Big64(uint64_t word) {
  Bytes bytes;
  AppendBig(word, 8, &bytes);
  return bytes;
}

Bytes Big128(uint64_t high, uint64_t low) {
  Bytes bytes;
  AppendBig(high, 8, &bytes);
  AppendBig(low, 8, &bytes);
  return bytes;
}

Bytes OpenSsl(const EVP_MD* type, const uint8_t* page, size_t page_size) {
  Bytes digest(EVP_MAX_MD_SIZE);
  unsigned length = 0;
  EXPECT_EQ(EVP_Digest(page, page_size, digest.data(), &length, type, nullptr), 1);
  digest.resize(length);
  return digest;
}

std::vector<Word> LittleWords(const uint8_t* bytes, size_t count) {
  std::vector<Word> words(count / 8);
  for (size_t i = 0; i < count; ++i) words[i / 8] |= Word{bytes[i]} << (8 * (i % 8));
  return words;
}

Bytes Ph128Digest(const uint8_t* key, const uint8_t* page, size_t page_size) {
  const std::vector<Word> words = LittleWords(page, page_size);
  const std::vector<Word> key_words = LittleWords(key, page_size + 32);
  const auto digest = Ph128<64>::Hash(words.data(), page_size / 16, key_words.data());
  return Big128(digest.first, digest.second);
}

}  // namespace

Bytes OracleDigest(int algorithm, uint64_t seed, const uint8_t* key, const uint8_t* page,
                   size_t page_size) {
  const auto seed32 = static_cast<uint32_t>(seed);
  switch (algorithm) {
    case FAKEDIRTY_PH128:
      return Ph128Digest(key, page, page_size);
    case FAKEDIRTY_XXH3_128: {
      const XXH128_hash_t digest = XXH3_128bits_withSeed(page, page_size, seed);
      return Big128(digest.high64, digest.low64);
    }
    case FAKEDIRTY_XXH3_64:
      return Big64(XXH3_64bits_withSeed(page, page_size, seed));
    case FAKEDIRTY_XXH64:
      return Big64(XXH64(page, page_size, seed));
    case FAKEDIRTY_XXH32:
      return Big32(XXH32(page, page_size, seed32));
    case FAKEDIRTY_SHA256:
      return OpenSsl(EVP_sha256(), page, page_size);
    case FAKEDIRTY_SHA1:
      return OpenSsl(EVP_sha1(), page, page_size);
    case FAKEDIRTY_MD5:
      return OpenSsl(EVP_md5(), page, page_size);
    case FAKEDIRTY_MURMUR3_128: {
      const Murmur3Digest digest = Murmur3_128(page, page_size, seed32);
      return Big128(digest.h1, digest.h2);
    }
    case FAKEDIRTY_MURMUR3_32:
      return Big32(Murmur3_32(page, page_size, seed32));
    case FAKEDIRTY_CRC32:
      return Big32(static_cast<uint32_t>(crc32(0, page, static_cast<uInt>(page_size))));
    default:
      ADD_FAILURE() << "no oracle for algorithm " << algorithm;
      return {};
  }
}

}  // namespace fakedirty_test
