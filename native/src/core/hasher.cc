// SPDX-License-Identifier: MIT
// Creates hashers, and shares them among tables.
#include "src/core/hasher.h"

namespace fakedirty {
namespace {

// The caller's key, or a fresh one, laid out for the kernel.
int MakeKey(const fakedirty_hasher_options& options, fakedirty_hasher& hasher) {
  const Algorithm& algorithm = *hasher.algorithm;
  if (!algorithm.lay_out) return FAKEDIRTY_OK;
  if (!hasher.key.Allocate(algorithm.layout_bytes(options.page_size))) {
    return FAKEDIRTY_ERROR_NO_MEMORY;
  }
  hasher.parameters.key = hasher.key.data();
  const uint8_t* key = static_cast<const uint8_t*>(options.key);
  Secret fresh;
  if (algorithm.properties.keyed && !key) {
    if (!fresh.Allocate(KeyBytes(algorithm, options.page_size))) return FAKEDIRTY_ERROR_NO_MEMORY;
    if (!FillRandom(fresh.data(), fresh.size())) return FAKEDIRTY_ERROR_RANDOM;
    key = fresh.data();
  }
  algorithm.lay_out(key, options.seed, options.page_size, hasher.key.data());
  return FAKEDIRTY_OK;
}

int Prepare(const fakedirty_hasher_options& options, const TargetName& target,
            fakedirty_hasher& hasher) {
  hasher.target = &target;
  hasher.algorithm = FindAlgorithm(options.algorithm);
  hasher.kernel = hasher.algorithm->kernel(target.target);
  hasher.is_zero = IsZeroKernel(target.target);
  hasher.parameters.page_size = options.page_size;
  hasher.parameters.seed = options.seed;
  hasher.parameters.prefetches_across_pages = PrefetchesAcrossPages();
  hasher.parameters.sha_instructions = target.target != Target::kPortable && HasShaInstructions();
  return MakeKey(options, hasher);
}

}  // namespace

int CreateHasher(const fakedirty_hasher_options& options, const TargetName& target,
                 fakedirty_hasher** hasher) {
  fakedirty_hasher* const created = new (kNoThrow) fakedirty_hasher;
  if (!created) return FAKEDIRTY_ERROR_NO_MEMORY;
  const int status = Prepare(options, target, *created);
  if (status != FAKEDIRTY_OK) {
    delete created;
    return status;
  }
  *hasher = created;
  return FAKEDIRTY_OK;
}

void Retain(fakedirty_hasher* hasher) {
  hasher->references.fetch_add(1, std::memory_order_relaxed);
}

void Release(fakedirty_hasher* hasher) {
  if (hasher->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete hasher;
}

}  // namespace fakedirty
