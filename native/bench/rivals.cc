// SPDX-License-Identifier: MIT
// Other implementations of the same algorithms, each called page by page as a careful caller would.
#include "bench/rivals.h"

#include <openssl/evp.h>
#include <string.h>
#include <xxhash.h>
#include <zlib.h>

#if defined(__x86_64__)
#include <isa-l/crc.h>
#define XXH_DISPATCH_DISABLE_REPLACE
#include <xxh_x86dispatch.h>
#endif

namespace fakedirty_bench {
namespace {

template <class Hash>
inline uint64_t Sum(const uint8_t* const* pages, size_t count, Hash hash) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += hash(pages[i]);
  return sum;
}

// Context and algorithm are created once, not for each page.
uint64_t OpenSsl(const char* name, const uint8_t* const* pages, size_t count) {
  EVP_MD* const algorithm = EVP_MD_fetch(nullptr, name, nullptr);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  const uint64_t sum = Sum(pages, count, [&](const uint8_t* page) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_DigestInit_ex2(context, algorithm, nullptr);
    EVP_DigestUpdate(context, page, kPageSize);
    EVP_DigestFinal_ex(context, digest, nullptr);
    return digest[0];
  });
  EVP_MD_CTX_free(context);
  EVP_MD_free(algorithm);
  return sum;
}

uint64_t OpenSslMd5(const uint8_t* const* pages, size_t count) {
  return OpenSsl("MD5", pages, count);
}
uint64_t OpenSslSha1(const uint8_t* const* pages, size_t count) {
  return OpenSsl("SHA1", pages, count);
}
uint64_t OpenSslSha256(const uint8_t* const* pages, size_t count) {
  return OpenSsl("SHA256", pages, count);
}

uint64_t ZlibCrc32(const uint8_t* const* pages, size_t count) {
  return Sum(pages, count, [](const uint8_t* page) { return crc32(0, page, kPageSize); });
}

uint64_t Xxh3_128Plain(const uint8_t* const* pages, size_t count) {
  return Sum(pages, count, [](const uint8_t* page) { return XXH3_128bits(page, kPageSize).low64; });
}
uint64_t Xxh3_64Plain(const uint8_t* const* pages, size_t count) {
  return Sum(pages, count, [](const uint8_t* page) { return XXH3_64bits(page, kPageSize); });
}
uint64_t Xxh64Plain(const uint8_t* const* pages, size_t count) {
  return Sum(pages, count, [](const uint8_t* page) { return XXH64(page, kPageSize, 0); });
}
uint64_t Xxh32Plain(const uint8_t* const* pages, size_t count) {
  return Sum(pages, count, [](const uint8_t* page) { return XXH32(page, kPageSize, 0); });
}

#if defined(__x86_64__)

uint64_t IsalCrc32(const uint8_t* const* pages, size_t count) {
  return Sum(pages, count, [](const uint8_t* page) { return crc32_gzip_refl(0, page, kPageSize); });
}

uint64_t Xxh3_128Dispatched(const uint8_t* const* pages, size_t count) {
  return Sum(pages, count,
             [](const uint8_t* page) { return XXH3_128bits_dispatch(page, kPageSize).low64; });
}

uint64_t Xxh3_64Dispatched(const uint8_t* const* pages, size_t count) {
  return Sum(pages, count,
             [](const uint8_t* page) { return XXH3_64bits_dispatch(page, kPageSize); });
}

#endif  // __x86_64__

uint64_t Murmur3_32Plain(const uint8_t* const* pages, size_t count) {
  return Sum(pages, count, [](const uint8_t* page) { return PlainMurmur3_32(page, kPageSize, 0); });
}
uint64_t Murmur3_128Plain(const uint8_t* const* pages, size_t count) {
  return Sum(pages, count, [](const uint8_t* page) {
    uint64_t hash[2];
    PlainMurmur3_128(page, kPageSize, 0, hash);
    return hash[0];
  });
}

// Compares each page with a stored copy, which is what keeping whole pages would cost. The copies
// are the other half of the pages; all pages of the benchmark hold the same bytes.
uint64_t Memcmp(const uint8_t* const* pages, size_t count) {
  return Sum(pages, count / 2, [&, i = size_t{0}](const uint8_t* page) mutable {
    return static_cast<uint64_t>(memcmp(page, pages[count / 2 + i++], kPageSize) != 0);
  });
}

}  // namespace

std::vector<Row> Rivals() {
  return {
    {"openssl-md5", "rival", OpenSslMd5}, {"openssl-sha1", "rival", OpenSslSha1},
        {"openssl-sha256", "rival", OpenSslSha256}, {"zlib-crc32", "rival", ZlibCrc32},
        {"xxhash-plain-xxh3-128", "rival", Xxh3_128Plain},
        {"xxhash-plain-xxh3-64", "rival", Xxh3_64Plain},
        {"xxhash-plain-xxh64", "rival", Xxh64Plain}, {"xxhash-plain-xxh32", "rival", Xxh32Plain},
#if defined(__x86_64__)
        {"isal-crc32", "rival", IsalCrc32},
        {"xxhash-dispatched-xxh3-128", "rival", Xxh3_128Dispatched},
        {"xxhash-dispatched-xxh3-64", "rival", Xxh3_64Dispatched},
#endif
        {"plain-murmur3-128", "rival", Murmur3_128Plain},
        {"plain-murmur3-32", "rival", Murmur3_32Plain}, {"memcmp", "rival", Memcmp, 0.5},
  };
}

}  // namespace fakedirty_bench
