// SPDX-License-Identifier: MIT
// Mutants: libraries that break one rule on purpose. The tests must fail with them.
//
// CMake builds them for the tests alone, with FAKEDIRTY_MUTANT defined as one of the names below.
// Without it, FAKEDIRTY_IF_MUTANT expands to nothing and the rest of this file is not compiled.
#ifndef FAKEDIRTY_SRC_CORE_MUTANTS_H_
#define FAKEDIRTY_SRC_CORE_MUTANTS_H_

#ifndef FAKEDIRTY_MUTANT
#define FAKEDIRTY_IF_MUTANT(name, ...)
#else

#include <string.h>
#include <time.h>

#include "src/core/slot.h"
#include "src/core/table.h"

namespace fakedirty {
namespace mutants {

enum class Mutant {
  kR1,                 // fingerprints guest memory instead of its copy
  kR5,                 // keeps its slots when it should reset them
  kR6,                 // writes a slot together with its neighbours
  kShortFingerprints,  // keeps 8 bits of each fingerprint, so that false skips happen
};

constexpr Mutant kMutant = Mutant::FAKEDIRTY_MUTANT;

// The sources are hashed first and copied a little later, while the guest goes on writing.
template <class Pages>
void FingerprintSources(const fakedirty_hasher& hasher, Pages& pages, const size_t* which,
                        size_t count, uint8_t* digests) {
  if constexpr (Pages::kCopied) {
    const uint8_t* sources[kMaxLanes];
    for (size_t i = 0; i < count; ++i) sources[i] = pages.Source(which[i]);
    hasher.Digest(sources, count, digests);
    const timespec a_little = {0, 20000};
    nanosleep(&a_little, nullptr);
    for (size_t i = 0; i < count; ++i) pages.CopyAgain(which[i]);
  }
}

inline void ShortenFingerprint(fakedirty_fingerprint* fingerprint) {
  memset(fingerprint->bytes + 1, 0, sizeof(fingerprint->bytes) - 1);
}

inline void WriteSlotWithNeighbours(fakedirty_table& table, uint64_t index,
                                    const uint8_t* fingerprint) {
  const size_t bytes = table.slot_bytes();
  const uint64_t offset = index * bytes, start = offset / 64 * 64;
  const uint64_t length = table.slots.size() - start < 128 ? table.slots.size() - start : 128;
  uint8_t around[128];
  memcpy(around, table.slots.data() + start, length);
  memcpy(around + (offset - start), fingerprint, bytes);
  memcpy(table.slots.data() + start, around, length);
}

}  // namespace mutants
}  // namespace fakedirty

#define FAKEDIRTY_IF_MUTANT(name, ...) \
  if (fakedirty::mutants::kMutant == fakedirty::mutants::Mutant::name) __VA_ARGS__

#endif  // FAKEDIRTY_MUTANT

#endif  // FAKEDIRTY_SRC_CORE_MUTANTS_H_
