// SPDX-License-Identifier: MIT
// A hasher: an algorithm made ready for a page size, a key and an instruction set.
#ifndef FAKEDIRTY_SRC_CORE_HASHER_H_
#define FAKEDIRTY_SRC_CORE_HASHER_H_

#include <atomic>

#include "include/fakedirty.h"
#include "src/core/algorithm.h"
#include "src/core/from_malloc.h"
#include "src/core/secret.h"

struct fakedirty_hasher : fakedirty::FromMalloc {
  std::atomic<uint32_t> references{1};  // the creator's, and one for each table
  const fakedirty::Algorithm* algorithm = nullptr;
  const fakedirty::TargetName* target = nullptr;
  fakedirty::Kernel kernel = {};
  fakedirty::IsZeroFunction is_zero = nullptr;
  fakedirty::HashParameters parameters;
  fakedirty::Secret key;

  size_t page_size() const { return parameters.page_size; }
  size_t digest_bytes() const { return algorithm->properties.digest_bytes; }
};

namespace fakedirty {

void Retain(fakedirty_hasher* hasher);
void Release(fakedirty_hasher* hasher);

// Whether an array of pages can be read: FAKEDIRTY_OK or what is wrong with it.
int CheckPages(const void* const* pages, size_t count);

// An argument's memory.
struct Stretch {
  Stretch(const void* start, size_t bytes)
      : begin(reinterpret_cast<uintptr_t>(start)), bytes(bytes) {}

  uintptr_t begin;
  size_t bytes;
};

// Neither is empty. Said as -a.bytes < a.begin - b.begin < b.bytes, it is one comparison: it is
// asked of every page.
inline bool Overlap(const Stretch& a, const Stretch& b) {
  return a.begin - b.begin + a.bytes - 1 < a.bytes + b.bytes - 1;
}

// Pages that are read while these are written.
bool AnyPageOverlaps(const void* const* pages, size_t count, size_t page_size,
                     const Stretch& written);

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_HASHER_H_
