// SPDX-License-Identifier: MIT
// The xxHash family, page by page, from libxxhash's header, for one instruction set.
//
// libxxhash picks an instruction set where it is compiled (XXH_VECTOR) or, through its dispatching
// entry points, at run time. Those are only in its shared library on Debian 12, which QEMU and the
// addon should not have to carry, and can't be told to take a lower one. So the library is compiled
// here once for each target, from its own header, and chosen like every other kernel.
//
// The including file defines XXH_VECTOR and FAKEDIRTY_XXHASH_NAMESPACE, includes the C headers that
// xxhash.h needs, and switches the compiler's target before it includes this file.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "src/kernels/xxhash.h"
#include "src/simd/bytes.h"

namespace fakedirty {
namespace FAKEDIRTY_XXHASH_NAMESPACE {

// Where an unforeseen page begins: the library fetches ahead from there on by itself.
static inline void FetchStart(const HashParameters& parameters, const uint8_t* const* pages,
                              size_t i, size_t count) {
  constexpr size_t kStart = 16 * kCacheLine;
  const uint8_t* const next =
      i + 1 < count ? parameters.Unforeseen(pages[i], pages[i + 1]) : nullptr;
  if (!next) return;
  for (size_t at = 0; at < kStart; at += kCacheLine) __builtin_prefetch(next + at, 0, 2);
}

void Xxh3_128Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                   uint8_t* digests, const uint8_t*) {
  const size_t size = parameters.page_size;
  for (size_t i = 0; i < count; ++i, digests += 16) {
    FetchStart(parameters, pages, i, count);
    const XXH128_hash_t hash = XXH3_128bits_withSecretandSeed(
        pages[i], size, parameters.key, XXH3_SECRET_DEFAULT_SIZE, parameters.seed);
    StoreBig<uint64_t>(digests, hash.high64);
    StoreBig<uint64_t>(digests + 8, hash.low64);
  }
}

void Xxh3_64Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                  uint8_t* digests, const uint8_t*) {
  const size_t size = parameters.page_size;
  for (size_t i = 0; i < count; ++i, digests += 8) {
    FetchStart(parameters, pages, i, count);
    const XXH64_hash_t hash = XXH3_64bits_withSecretandSeed(
        pages[i], size, parameters.key, XXH3_SECRET_DEFAULT_SIZE, parameters.seed);
    StoreBig<uint64_t>(digests, hash);
  }
}

}  // namespace FAKEDIRTY_XXHASH_NAMESPACE
}  // namespace fakedirty
