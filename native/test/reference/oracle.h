// SPDX-License-Identifier: MIT
// The digest of a page by other implementations: OpenSSL, zlib, libxxhash, the slow references.
#ifndef FAKEDIRTY_TEST_REFERENCE_ORACLE_H_
#define FAKEDIRTY_TEST_REFERENCE_ORACLE_H_

#include <stddef.h>
#include <stdint.h>

#include <vector>

namespace fakedirty_test {

// In the byte order of fakedirty_digest. key is for ph128, null for the others.
std::vector<uint8_t> OracleDigest(int algorithm, uint64_t seed, const uint8_t* key,
                                  const uint8_t* page, size_t page_size);

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_REFERENCE_ORACLE_H_
