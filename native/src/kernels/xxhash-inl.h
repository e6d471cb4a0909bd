// SPDX-License-Identifier: MIT
// The xxHash family, page by page, from libxxhash's header, for one instruction set.
//
// libxxhash chooses an instruction set when it is compiled (XXH_VECTOR) or, by its dispatching
// functions, at run time. On Debian 12 only its shared library has those; QEMU and the addon should
// not depend on it, and it can't be told to use a lower instruction set. So its header is compiled
// here once for each target, and the target is chosen as for every other kernel.
//
// The including file defines XXH_VECTOR and FAKEDIRTY_XXHASH_NAMESPACE, includes the C headers that
// xxhash.h needs, and switches the compiler's target before it includes this file.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "src/kernels/xxhash.h"
#include "src/simd/bytes.h"

namespace fakedirty {
namespace FAKEDIRTY_XXHASH_NAMESPACE {

// Prefetches the start of a page that the processor does not prefetch by itself. Further on, the
// library prefetches as it goes.
static inline void PrefetchStart(const HashParameters& parameters, const uint8_t* const* pages,
                                 size_t i, size_t count) {
  constexpr size_t kStart = 16 * kCacheLine;
  const uint8_t* const next =
      i + 1 < count ? parameters.PageToPrefetch(pages[i], pages[i + 1]) : nullptr;
  if (!next) return;
  for (size_t at = 0; at < kStart; at += kCacheLine) __builtin_prefetch(next + at, 0, 2);
}

FAKEDIRTY_ALIGNED void Xxh3_128Pages(const HashParameters& parameters, const uint8_t* const* pages,
                                     size_t count, uint8_t* digests, const uint8_t*) {
  const size_t size = parameters.page_size;
  for (size_t i = 0; i < count; ++i, digests += 16) {
    PrefetchStart(parameters, pages, i, count);
    const XXH128_hash_t hash = XXH3_128bits_withSecretandSeed(
        pages[i], size, parameters.key, XXH3_SECRET_DEFAULT_SIZE, parameters.seed);
    StoreBig<uint64_t>(digests, hash.high64);
    StoreBig<uint64_t>(digests + 8, hash.low64);
  }
}

FAKEDIRTY_ALIGNED void Xxh3_64Pages(const HashParameters& parameters, const uint8_t* const* pages,
                                    size_t count, uint8_t* digests, const uint8_t*) {
  const size_t size = parameters.page_size;
  for (size_t i = 0; i < count; ++i, digests += 8) {
    PrefetchStart(parameters, pages, i, count);
    const XXH64_hash_t hash = XXH3_64bits_withSecretandSeed(
        pages[i], size, parameters.key, XXH3_SECRET_DEFAULT_SIZE, parameters.seed);
    StoreBig<uint64_t>(digests, hash);
  }
}

}  // namespace FAKEDIRTY_XXHASH_NAMESPACE
}  // namespace fakedirty
