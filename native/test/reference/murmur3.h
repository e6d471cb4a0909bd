// SPDX-License-Identifier: MIT
// MurmurHash3 of any length, one byte and one step at a time.
#ifndef FAKEDIRTY_TEST_REFERENCE_MURMUR3_H_
#define FAKEDIRTY_TEST_REFERENCE_MURMUR3_H_

#include <stddef.h>
#include <stdint.h>

namespace fakedirty_test {

struct Murmur3Digest {
  uint64_t h1, h2;
};

uint32_t Murmur3_32(const uint8_t* bytes, size_t count, uint32_t seed);        // x86_32
Murmur3Digest Murmur3_128(const uint8_t* bytes, size_t count, uint32_t seed);  // x64_128

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_REFERENCE_MURMUR3_H_
