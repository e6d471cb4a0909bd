// SPDX-License-Identifier: MIT
// What every fingerprint algorithm offers: for each target, one function that hashes many pages.
#ifndef FAKEDIRTY_SRC_KERNELS_KERNEL_H_
#define FAKEDIRTY_SRC_KERNELS_KERNEL_H_

#include <stddef.h>
#include <stdint.h>

#include "src/simd/target.h"

// For functions with a hot loop: the loop then has the same place in the lines of the instruction
// cache however the library is linked. Elsewhere the same code of ph128 took 12 % longer from
// cache, and that of XXH3, read by the processor in another order, 20 % longer from memory.
#define FAKEDIRTY_ALIGNED __attribute__((aligned(64)))

namespace fakedirty {

struct HashParameters {
  size_t page_size = 0;
  uint64_t seed = 0;
  const uint8_t* key = nullptr;          // in the algorithm's own layout
  bool sha_instructions = false;         // the processor has them
  bool prefetches_across_pages = false;  // the processor does, without being asked

  // The page to prefetch while the one before it is hashed. Null where the processor does that by
  // itself, and better.
  const uint8_t* PageToPrefetch(const uint8_t* page, const uint8_t* next) const {
    return prefetches_across_pages && next == page + page_size ? nullptr : next;
  }
};

// Writes count digests, packed. Pages have any address and alignment. Nothing is left to prefetch
// while the last page is hashed, except next: a page that will be read afterwards, or null.
using DigestFunction = void (*)(const HashParameters& parameters, const uint8_t* const* pages,
                                size_t count, uint8_t* digests, const uint8_t* next);
using IsZeroFunction = bool (*)(const uint8_t* page, size_t page_size);

// Copies a page, writes the digest of the copy, and returns whether the page is all zero (then the
// digest may be anything). It reads each word of the source once, and stores and hashes that one
// value, so that the guest may write the source meanwhile (R1). next is the page that will be read
// afterwards, or null.
using CopyFunction = bool (*)(const HashParameters& parameters, const uint8_t* source,
                              uint8_t* copy, uint8_t* digest, const uint8_t* next);

constexpr size_t kMaxLanes = 64;  // of any kernel

struct Kernel {
  DigestFunction digest;
  size_t lanes;                  // pages that are hashed side by side
  bool prefetches_next = false;  // kernels without it ignore next
  CopyFunction copy = nullptr;   // without it, a page is copied first, then hashed
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
