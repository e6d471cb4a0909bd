// SPDX-License-Identifier: MIT
// A hasher: an algorithm bound to a page size, a key and an instruction set.
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

  // Writes the digests of count pages, packed.
  void Digest(const uint8_t* const* pages, size_t count, uint8_t* digests) const {
    kernel.digest(parameters, pages, count, digests, nullptr);
  }
};

namespace fakedirty {

// FAKEDIRTY_OK, or what the operating system had none of: memory, or random bytes for the key.
int CreateHasher(const fakedirty_hasher_options& options, const TargetName& target,
                 fakedirty_hasher** hasher);

void Retain(fakedirty_hasher* hasher);
void Release(fakedirty_hasher* hasher);

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_HASHER_H_
