// SPDX-License-Identifier: MIT
// What every fingerprint algorithm offers: one function that hashes many pages, for each target.
#ifndef FAKEDIRTY_SRC_KERNELS_KERNEL_H_
#define FAKEDIRTY_SRC_KERNELS_KERNEL_H_

#include <stddef.h>
#include <stdint.h>

#include "src/simd/target.h"

namespace fakedirty {

struct HashParameters {
  size_t page_size = 0;
  uint64_t seed = 0;
  const uint8_t* key = nullptr;   // as the algorithm lays it out
  bool sha_instructions = false;  // single pages may use them
  bool crosses_pages = false;     // the processor fetches from page to page by itself

  // A page to fetch while the one before is hashed. Null where the processor does it, unasked and
  // better.
  const uint8_t* Unforeseen(const uint8_t* page, const uint8_t* next) const {
    return crosses_pages && next == page + page_size ? nullptr : next;
  }
};

// Writes count digests, packed. Pages have any address and alignment. Memory is idle while the last
// one is hashed: next is a page to fetch meanwhile, or null.
using DigestFunction = void (*)(const HashParameters& parameters, const uint8_t* const* pages,
                                size_t count, uint8_t* digests, const uint8_t* next);
using IsZeroFunction = bool (*)(const uint8_t* page, size_t page_size);

constexpr size_t kMostLanes = 64;  // of any kernel

struct Kernel {
  DigestFunction digest;
  size_t lanes;               // pages that are hashed side by side
  bool fetches_next = false;  // others don't look at next
};

Kernel Ph128Kernel(Target target);
Kernel Xxh3_128Kernel(Target target);
Kernel Xxh3_64Kernel(Target target);
Kernel Xxh64Kernel(Target target);
Kernel Xxh32Kernel(Target target);
Kernel Sha256Kernel(Target target);
Kernel Sha1Kernel(Target target);
Kernel Md5Kernel(Target target);
Kernel Murmur3_128Kernel(Target target);
Kernel Murmur3_32Kernel(Target target);
Kernel Crc32Kernel(Target target);
IsZeroFunction IsZeroKernel(Target target);

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_KERNELS_KERNEL_H_
