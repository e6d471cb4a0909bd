// SPDX-License-Identifier: MIT
// A kernel that breaks R1: it stores what it loads, and hashes what it loads again. The check of
// the machine code (one_reading.py) must notice it.
#include <stddef.h>
#include <stdint.h>

namespace fakedirty {

struct HashParameters;

namespace N_MUTANT {

typedef uint64_t Words __attribute__((vector_size(16)));

bool Ph128Copy(const HashParameters& parameters, const uint8_t* source, uint8_t* copy,
               uint8_t* digest, const uint8_t* next) {
  const auto at = reinterpret_cast<const volatile Words*>(source);
  const auto key = reinterpret_cast<const Words*>(&parameters);
  const auto shifted = reinterpret_cast<const Words*>(next);
  const auto to = reinterpret_cast<Words*>(copy);
  Words sum = {}, any = {};
  for (size_t i = 0; i < 256; ++i) {
    const Words words = at[i];
    to[i] = words;
    any |= words;
    sum ^= (at[i] ^ key[i]) + (words ^ shifted[i]);
  }
  *digest = static_cast<uint8_t>(sum[0] ^ sum[1]);
  return (any[0] | any[1]) == 0;
}

}  // namespace N_MUTANT
}  // namespace fakedirty
