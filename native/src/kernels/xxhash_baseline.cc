// SPDX-License-Identifier: MIT
// XXH3 with the instructions that every processor of the architecture has; XXH64 and XXH32; and the
// choice of a version for each target.
#define FAKEDIRTY_XXHASH_NAMESPACE xxhash_baseline
#include "src/kernels/xxhash-inl.h"

namespace fakedirty {
namespace {

void Xxh64Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                uint8_t* digests, const uint8_t*) {
  for (size_t i = 0; i < count; ++i) {
    StoreBig<uint64_t>(digests + 8 * i, XXH64(pages[i], parameters.page_size, parameters.seed));
  }
}

void Xxh32Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                uint8_t* digests, const uint8_t*) {
  const uint32_t seed = static_cast<uint32_t>(parameters.seed);
  for (size_t i = 0; i < count; ++i) {
    StoreBig<uint32_t>(digests + 4 * i, XXH32(pages[i], parameters.page_size, seed));
  }
}

}  // namespace

void DeriveXxh3Secret(uint64_t seed, uint8_t* secret) {
  static_assert(kXxh3SecretBytes == XXH3_SECRET_DEFAULT_SIZE, "the size of the library's secret");
  XXH3_generateSecret_fromSeed(secret, seed);
}

Kernel Xxh3_128Kernel(Target target) {
  switch (target) {
#if defined(__x86_64__)
    case Target::kAvx512Icelake:
    case Target::kAvx512:
      return {xxhash_avx512::Xxh3_128Pages, 1};
    case Target::kAvx2:
      return {xxhash_avx2::Xxh3_128Pages, 1};
#endif
    case Target::kPortable:
      return {xxhash_portable::Xxh3_128Pages, 1};
    default:
      return {xxhash_baseline::Xxh3_128Pages, 1};
  }
}

Kernel Xxh3_64Kernel(Target target) {
  switch (target) {
#if defined(__x86_64__)
    case Target::kAvx512Icelake:
    case Target::kAvx512:
      return {xxhash_avx512::Xxh3_64Pages, 1};
    case Target::kAvx2:
      return {xxhash_avx2::Xxh3_64Pages, 1};
#endif
    case Target::kPortable:
      return {xxhash_portable::Xxh3_64Pages, 1};
    default:
      return {xxhash_baseline::Xxh3_64Pages, 1};
  }
}

Kernel Xxh64Kernel(Target) { return {Xxh64Pages, 1}; }
Kernel Xxh32Kernel(Target) { return {Xxh32Pages, 1}; }

}  // namespace fakedirty
