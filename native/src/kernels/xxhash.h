// SPDX-License-Identifier: MIT
// XXH3 for each instruction set that libxxhash is compiled for, each in its own namespace.
#ifndef FAKEDIRTY_SRC_KERNELS_XXHASH_H_
#define FAKEDIRTY_SRC_KERNELS_XXHASH_H_

#include "src/kernels/kernel.h"

#define FAKEDIRTY_DECLARE_XXHASH(name)                                                            \
  namespace name {                                                                                \
  void Xxh3_128Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count, \
                     uint8_t* digests, const uint8_t* next);                                      \
  void Xxh3_64Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,  \
                    uint8_t* digests, const uint8_t* next);                                       \
  }

namespace fakedirty {

// The secret that XXH3 derives from its seed: derived once, not for each page.
constexpr size_t kXxh3SecretBytes = 192;
void DeriveXxh3Secret(uint64_t seed, uint8_t* secret);

FAKEDIRTY_DECLARE_XXHASH(xxhash_portable)
FAKEDIRTY_DECLARE_XXHASH(xxhash_baseline)  // SSE2 or NEON, which every processor has
FAKEDIRTY_DECLARE_XXHASH(xxhash_avx2)
FAKEDIRTY_DECLARE_XXHASH(xxhash_avx512)
}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_KERNELS_XXHASH_H_
