// SPDX-License-Identifier: MIT
// The library under the benchmark: digests in batches, and the whole filter step.
#include "bench/ours.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zlib.h>

#include <algorithm>

namespace fakedirty_bench {
namespace {

[[noreturn]] void Fail(const char* what, const char* why) {
  fprintf(stderr, "fakedirty-bench: %s: %s\n", what, why);
  exit(1);
}

void Require(int status, const char* what) {
  if (status != FAKEDIRTY_OK) Fail(what, fakedirty_status_text(status));
}

fakedirty_hasher* MakeHasher(int algorithm, const std::string& target) {
  fakedirty_hasher_options options = {};
  options.size = sizeof(options);
  options.algorithm = algorithm;
  options.page_size = kPageSize;
  options.target = target.c_str();
  fakedirty_hasher* hasher = nullptr;
  Require(fakedirty_hasher_create(&options, &hasher), "hasher");
  return hasher;
}

alignas(64) uint8_t stage[kBatch * kPageSize];

}  // namespace

Digester::Digester(int algorithm, const std::string& target)
    : hasher_(MakeHasher(algorithm, target)),
      digest_bytes_(fakedirty_algorithm_info(algorithm)->digest_bytes) {}

uint64_t Digester::Pass(const uint8_t* const* pages, size_t count) {
  uint8_t digests[kBatch * FAKEDIRTY_DIGEST_BYTES_MAX];
  uint64_t sum = 0;
  for (size_t at = 0; at < count; at += kBatch) {
    const size_t some = std::min(kBatch, count - at);
    Require(fakedirty_digest(hasher_.get(), reinterpret_cast<const void* const*>(pages + at), some,
                             digests, sizeof(digests)),
            "digest");
    sum += digests[some * digest_bytes_ - 1];
  }
  return sum;
}

Filter::Filter(const std::string& target, const std::vector<const uint8_t*>& pages, bool all_fake)
    : lowest_(*std::min_element(pages.begin(), pages.end())), all_fake_(all_fake) {
  fakedirty_hasher* const hasher = MakeHasher(FAKEDIRTY_PH128, target);
  fakedirty_table* table = nullptr;
  Require(fakedirty_table_create(hasher, pages.size(), 0, &table), "table");
  fakedirty_hasher_destroy(hasher);  // the table keeps it
  table_.reset(table);
  if (!all_fake) return;
  for (const uint8_t* page : pages) {
    const uint64_t index = (page - lowest_) / kPageSize;
    const void* const at = page;
    uint8_t verdict;
    fakedirty_fingerprint fingerprint;
    Require(fakedirty_check(table, &index, &at, 1, &verdict, &fingerprint), "check");
    Require(fakedirty_commit(table, &index, &at, &fingerprint, 1), "commit");
  }
}

uint64_t Filter::Pass(const uint8_t* const* pages, size_t count) {
  uint64_t index[kBatch];
  const void* copies[kBatch];
  uint8_t verdicts[kBatch];
  fakedirty_fingerprint fingerprints[kBatch];
  const uint8_t expected = all_fake_ ? FAKEDIRTY_UNCHANGED : FAKEDIRTY_FIRST;
  for (size_t at = 0; at < count; at += kBatch) {
    const size_t some = std::min(kBatch, count - at);
    for (size_t i = 0; i < some; ++i) index[i] = (pages[at + i] - lowest_) / kPageSize;
    Require(
        fakedirty_classify(table_.get(), index, reinterpret_cast<const void* const*>(pages + at),
                           some, stage, sizeof(stage), copies, verdicts, fingerprints),
        "classify");
    if (std::count(verdicts, verdicts + some, expected) != static_cast<ptrdiff_t>(some)) {
      Fail("filter", "a verdict is wrong");
    }
  }
  return count;
}

namespace {

std::string Hex(const uint8_t* bytes, size_t count) {
  std::string text;
  char digits[3];
  for (size_t i = 0; i < count; ++i) {
    snprintf(digits, sizeof(digits), "%02x", bytes[i]);
    text += digits;
  }
  return text;
}

std::string HexOf(uint64_t word, int digits) {
  char text[17];
  snprintf(text, sizeof(text), "%0*llx", digits, static_cast<unsigned long long>(word));
  return text;
}

std::string OpenSslHex(const char* name, const uint8_t* page) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (!EVP_Digest(page, kPageSize, digest, &length, EVP_get_digestbyname(name), nullptr)) {
    Fail("OpenSSL", name);
  }
  return Hex(digest, length);
}

std::string OursHex(int algorithm, const uint8_t* page, const std::string& target) {
  const Digester digester(algorithm, target);
  const void* const at = page;
  uint8_t digest[FAKEDIRTY_DIGEST_BYTES_MAX];
  Require(fakedirty_digest(digester.hasher(), &at, 1, digest, sizeof(digest)), "digest");
  return Hex(digest, fakedirty_algorithm_info(algorithm)->digest_bytes);
}

}  // namespace

void CheckAgreement(const uint8_t* page, const std::string& target) {
  const XXH128_hash_t xxh3_128 = XXH3_128bits(page, kPageSize);
  uint64_t murmur[2];
  PlainMurmur3_128(page, kPageSize, 0, murmur);
  const struct {
    int algorithm;
    std::string expected;
  } checks[] = {
      {FAKEDIRTY_MD5, OpenSslHex("MD5", page)},
      {FAKEDIRTY_SHA1, OpenSslHex("SHA1", page)},
      {FAKEDIRTY_SHA256, OpenSslHex("SHA256", page)},
      {FAKEDIRTY_CRC32, HexOf(crc32(0, page, kPageSize), 8)},
      {FAKEDIRTY_XXH3_128, HexOf(xxh3_128.high64, 16) + HexOf(xxh3_128.low64, 16)},
      {FAKEDIRTY_XXH3_64, HexOf(XXH3_64bits(page, kPageSize), 16)},
      {FAKEDIRTY_XXH64, HexOf(XXH64(page, kPageSize, 0), 16)},
      {FAKEDIRTY_XXH32, HexOf(XXH32(page, kPageSize, 0), 8)},
      {FAKEDIRTY_MURMUR3_32, HexOf(PlainMurmur3_32(page, kPageSize, 0), 8)},
      {FAKEDIRTY_MURMUR3_128, HexOf(murmur[0], 16) + HexOf(murmur[1], 16)},
  };
  for (const auto& check : checks) {
    const std::string ours = OursHex(check.algorithm, page, target);
    if (ours == check.expected) continue;
    Fail(fakedirty_algorithm_info(check.algorithm)->name,
         ("gives " + ours + " where its rival gives " + check.expected).c_str());
  }
}

}  // namespace fakedirty_bench
