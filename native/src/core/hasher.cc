// SPDX-License-Identifier: MIT
// Creating hashers, and plain digests.
#include "src/core/hasher.h"

namespace fakedirty {

void Retain(fakedirty_hasher* hasher) {
  hasher->references.fetch_add(1, std::memory_order_relaxed);
}

void Release(fakedirty_hasher* hasher) {
  if (hasher->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete hasher;
}

int CheckPages(const void* const* pages, size_t count) {
  if (count > FAKEDIRTY_BATCH_MAX) return FAKEDIRTY_ERROR_COUNT;
  if (count > 0 && !pages) return FAKEDIRTY_ERROR_NULL;
  for (size_t i = 0; i < count; ++i) {
    if (!pages[i]) return FAKEDIRTY_ERROR_NULL;
  }
  return FAKEDIRTY_OK;
}

bool AnyPageOverlaps(const void* const* pages, size_t count, size_t page_size,
                     const Stretch& written) {
  bool any = false;
  for (size_t i = 0; i < count; ++i) any |= Overlap(written, Stretch(pages[i], page_size));
  return any;
}

namespace {

bool IsPageSize(size_t bytes) {
  return bytes >= FAKEDIRTY_PAGE_SIZE_MIN && bytes <= FAKEDIRTY_PAGE_SIZE_MAX &&
         (bytes & (bytes - 1)) == 0;
}

int CheckOptions(const fakedirty_hasher_options& options) {
  if (options.size != sizeof(options)) return FAKEDIRTY_ERROR_OPTIONS;
  const Algorithm* const algorithm = FindAlgorithm(options.algorithm);
  if (!algorithm) return FAKEDIRTY_ERROR_ALGORITHM;
  if (!IsPageSize(options.page_size)) return FAKEDIRTY_ERROR_PAGE_SIZE;
  const uint32_t seed_bits = algorithm->properties.seed_bits;
  if (seed_bits < 64 && options.seed >> seed_bits) return FAKEDIRTY_ERROR_SEED;
  const size_t key_bytes =
      options.key ? fakedirty_key_bytes(options.algorithm, options.page_size) : 0;
  if (options.key_bytes != key_bytes || (options.key && key_bytes == 0)) return FAKEDIRTY_ERROR_KEY;
  return FAKEDIRTY_OK;
}

// The given key, or a fresh one, laid out for the kernel.
int MakeKey(const fakedirty_hasher_options& options, fakedirty_hasher& hasher) {
  const Algorithm& algorithm = *hasher.algorithm;
  if (!algorithm.lay_out) return FAKEDIRTY_OK;
  if (!hasher.key.Allocate(algorithm.layout_bytes(options.page_size))) {
    return FAKEDIRTY_ERROR_NO_MEMORY;
  }
  hasher.parameters.key = hasher.key.data();
  const uint8_t* given = static_cast<const uint8_t*>(options.key);
  Secret fresh;
  if (algorithm.properties.keyed && !given) {
    if (!fresh.Allocate(fakedirty_key_bytes(options.algorithm, options.page_size))) {
      return FAKEDIRTY_ERROR_NO_MEMORY;
    }
    if (!FillRandom(fresh.data(), fresh.size())) return FAKEDIRTY_ERROR_RANDOM;
    given = fresh.data();
  }
  algorithm.lay_out(given, options.seed, options.page_size, hasher.key.data());
  return FAKEDIRTY_OK;
}

int Prepare(const fakedirty_hasher_options& options, fakedirty_hasher& hasher) {
  hasher.target = ChooseTarget(options.target);
  if (!hasher.target) return FAKEDIRTY_ERROR_TARGET;
  const Target target = hasher.target->target;
  hasher.algorithm = FindAlgorithm(options.algorithm);
  hasher.kernel = hasher.algorithm->kernel(target);
  hasher.is_zero = IsZeroKernel(target);
  hasher.parameters.page_size = options.page_size;
  hasher.parameters.seed = options.seed;
  hasher.parameters.crosses_pages = CrossesPages();
  hasher.parameters.sha_instructions = target != Target::kPortable && HasShaInstructions();
  return MakeKey(options, hasher);
}

}  // namespace
}  // namespace fakedirty

int fakedirty_hasher_create(const fakedirty_hasher_options* options, fakedirty_hasher** hasher) {
  if (!options || !hasher) return FAKEDIRTY_ERROR_NULL;
  int status = fakedirty::CheckOptions(*options);
  if (status != FAKEDIRTY_OK) return status;
  fakedirty_hasher* const made = new (fakedirty::kNoThrow) fakedirty_hasher;
  if (!made) return FAKEDIRTY_ERROR_NO_MEMORY;
  status = fakedirty::Prepare(*options, *made);
  if (status != FAKEDIRTY_OK) {
    delete made;
    return status;
  }
  *hasher = made;
  return FAKEDIRTY_OK;
}

void fakedirty_hasher_destroy(fakedirty_hasher* hasher) {
  if (hasher) fakedirty::Release(hasher);
}

const char* fakedirty_target_name(size_t position) {
  const fakedirty::TargetName* const target = fakedirty::AvailableTarget(position);
  return target ? target->name : nullptr;
}

const char* fakedirty_hasher_target(const fakedirty_hasher* hasher) {
  return hasher ? hasher->target->name : nullptr;
}

size_t fakedirty_hasher_lanes(const fakedirty_hasher* hasher) {
  return hasher ? hasher->kernel.lanes : 0;
}

int fakedirty_digest(const fakedirty_hasher* hasher, const void* const* pages, size_t count,
                     void* digests, size_t digests_bytes) {
  if (!hasher) return FAKEDIRTY_ERROR_NULL;
  const int status = fakedirty::CheckPages(pages, count);
  if (status != FAKEDIRTY_OK) return status;
  if (digests_bytes < count * hasher->digest_bytes()) return FAKEDIRTY_ERROR_CAPACITY;
  if (count == 0) return FAKEDIRTY_OK;
  if (!digests) return FAKEDIRTY_ERROR_NULL;
  const fakedirty::Stretch written(digests, count * hasher->digest_bytes());
  if (fakedirty::Overlap(written, fakedirty::Stretch(pages, count * sizeof(*pages))) ||
      fakedirty::AnyPageOverlaps(pages, count, hasher->page_size(), written)) {
    return FAKEDIRTY_ERROR_OVERLAP;
  }
  hasher->kernel.digest(hasher->parameters, reinterpret_cast<const uint8_t* const*>(pages), count,
                        static_cast<uint8_t*>(digests), {});
  return FAKEDIRTY_OK;
}
