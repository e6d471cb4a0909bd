// SPDX-License-Identifier: MIT
// The C ABI (include/fakedirty.h): checks the arguments of every call and hands them to the core,
// which trusts them. An error is returned before anything has been written.
#include <stddef.h>
#include <stdint.h>

#include "include/fakedirty.h"
#include "src/core/algorithm.h"
#include "src/core/filter.h"
#include "src/core/hasher.h"
#include "src/core/table.h"
#include "src/simd/target.h"

namespace fakedirty {
namespace {

// --- Checks ------------------------------------------------------------------------------------

bool IsPageSize(size_t bytes) {
  return bytes >= FAKEDIRTY_PAGE_SIZE_MIN && bytes <= FAKEDIRTY_PAGE_SIZE_MAX &&
         (bytes & (bytes - 1)) == 0;
}

int CheckKey(const fakedirty_hasher_options& options, const Algorithm& algorithm) {
  if (!options.key) return options.key_bytes == 0 ? FAKEDIRTY_OK : FAKEDIRTY_ERROR_KEY;
  const size_t expected = KeyBytes(algorithm, options.page_size);
  return expected > 0 && options.key_bytes == expected ? FAKEDIRTY_OK : FAKEDIRTY_ERROR_KEY;
}

int CheckOptions(const fakedirty_hasher_options& options) {
  if (options.size != sizeof(options)) return FAKEDIRTY_ERROR_OPTIONS;
  const Algorithm* const algorithm = FindAlgorithm(options.algorithm);
  if (!algorithm) return FAKEDIRTY_ERROR_ALGORITHM;
  if (!IsPageSize(options.page_size)) return FAKEDIRTY_ERROR_PAGE_SIZE;
  const uint32_t seed_bits = algorithm->properties.seed_bits;
  if (seed_bits < 64 && options.seed >> seed_bits) return FAKEDIRTY_ERROR_SEED;
  return CheckKey(options, *algorithm);
}

int CheckPages(const void* const* pages, size_t count) {
  if (count > FAKEDIRTY_BATCH_MAX) return FAKEDIRTY_ERROR_COUNT;
  if (count > 0 && !pages) return FAKEDIRTY_ERROR_NULL;
  for (size_t i = 0; i < count; ++i) {
    if (!pages[i]) return FAKEDIRTY_ERROR_NULL;
  }
  return FAKEDIRTY_OK;
}

int CheckBatch(const fakedirty_table* table, const uint64_t* index, size_t count) {
  if (!table) return FAKEDIRTY_ERROR_NULL;
  if (count > FAKEDIRTY_BATCH_MAX) return FAKEDIRTY_ERROR_COUNT;
  if (count > 0 && !index) return FAKEDIRTY_ERROR_NULL;
  for (size_t i = 0; i < count; ++i) {
    if (index[i] >= table->pages) return FAKEDIRTY_ERROR_INDEX;
  }
  return FAKEDIRTY_OK;
}

// The memory of an argument. Never empty.
struct MemoryRange {
  MemoryRange(const void* start, size_t bytes)
      : begin(reinterpret_cast<uintptr_t>(start)), bytes(bytes) {}

  uintptr_t begin;
  size_t bytes;
};

// They overlap if -a.bytes < a.begin - b.begin < b.bytes. One unsigned comparison says the same,
// and matters: it is made for every page.
inline bool Overlap(const MemoryRange& a, const MemoryRange& b) {
  return a.begin - b.begin + a.bytes - 1 < a.bytes + b.bytes - 1;
}

bool AnyPageOverlaps(const void* const* pages, size_t count, size_t page_size,
                     const MemoryRange& written) {
  bool any = false;
  for (size_t i = 0; i < count; ++i) any |= Overlap(written, MemoryRange(pages[i], page_size));
  return any;
}

// Each range that the call writes must be disjoint from all others. (Sources and copies are arrays
// of the same type, which tempts callers to pass one array for both.)
template <size_t kWritten, size_t kRead>
int CheckDisjoint(const MemoryRange (&written)[kWritten], const MemoryRange (&read)[kRead]) {
  bool overlap = false;
  for (size_t i = 0; i < kWritten; ++i) {
    for (size_t j = 0; j < i; ++j) overlap |= Overlap(written[i], written[j]);
    for (const MemoryRange& other : read) overlap |= Overlap(written[i], other);
  }
  return overlap ? FAKEDIRTY_ERROR_OVERLAP : FAKEDIRTY_OK;
}

// What slots and copies take. FAKEDIRTY_OK, or what is wrong with the table.
int CheckTable(const Algorithm& algorithm, size_t page_size, uint64_t pages, uint32_t flags,
               uint64_t* bytes) {
  if (flags & ~FAKEDIRTY_TABLE_VERIFY) return FAKEDIRTY_ERROR_FLAGS;
  if (pages == 0) return FAKEDIRTY_ERROR_PAGES;
  const uint64_t copy = flags & FAKEDIRTY_TABLE_VERIFY ? page_size : 0;
  const bool fits =
      !__builtin_mul_overflow(pages, algorithm.properties.digest_bytes + copy, bytes) &&
      *bytes <= PTRDIFF_MAX;
  return fits ? FAKEDIRTY_OK : FAKEDIRTY_ERROR_TOO_LARGE;
}

}  // namespace
}  // namespace fakedirty

using namespace fakedirty;

// --- Algorithms --------------------------------------------------------------------------------

const fakedirty_algorithm_properties* fakedirty_algorithm_info(int algorithm) {
  const Algorithm* const found = FindAlgorithm(algorithm);
  return found ? &found->properties : nullptr;
}

int fakedirty_algorithm_find(const char* name) {
  return name ? FindAlgorithmNumber(name) : FAKEDIRTY_ERROR_NULL;
}

const char* fakedirty_target_name(size_t position) {
  const TargetName* const target = AvailableTarget(position);
  return target ? target->name : nullptr;
}

size_t fakedirty_key_bytes(int algorithm, size_t page_size) {
  const Algorithm* const found = FindAlgorithm(algorithm);
  return found && IsPageSize(page_size) ? KeyBytes(*found, page_size) : 0;
}

// --- Hashers -----------------------------------------------------------------------------------

int fakedirty_hasher_create(const fakedirty_hasher_options* options, fakedirty_hasher** hasher) {
  if (!options || !hasher) return FAKEDIRTY_ERROR_NULL;
  const int status = CheckOptions(*options);
  if (status != FAKEDIRTY_OK) return status;
  const TargetName* const target = ChooseTarget(options->target);
  if (!target) return FAKEDIRTY_ERROR_TARGET;
  return CreateHasher(*options, *target, hasher);
}

void fakedirty_hasher_destroy(fakedirty_hasher* hasher) {
  if (hasher) Release(hasher);
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
  const int status = CheckPages(pages, count);
  if (status != FAKEDIRTY_OK) return status;
  if (digests_bytes < count * hasher->digest_bytes()) return FAKEDIRTY_ERROR_CAPACITY;
  if (count == 0) return FAKEDIRTY_OK;
  if (!digests) return FAKEDIRTY_ERROR_NULL;
  const MemoryRange written(digests, count * hasher->digest_bytes());
  if (Overlap(written, MemoryRange(pages, count * sizeof(*pages))) ||
      AnyPageOverlaps(pages, count, hasher->page_size(), written)) {
    return FAKEDIRTY_ERROR_OVERLAP;
  }
  hasher->Digest(reinterpret_cast<const uint8_t* const*>(pages), count,
                 static_cast<uint8_t*>(digests));
  return FAKEDIRTY_OK;
}

// --- Tables ------------------------------------------------------------------------------------

int fakedirty_table_bytes(int algorithm, size_t page_size, uint64_t pages, uint32_t flags,
                          uint64_t* bytes) {
  if (!bytes) return FAKEDIRTY_ERROR_NULL;
  const Algorithm* const found = FindAlgorithm(algorithm);
  if (!found) return FAKEDIRTY_ERROR_ALGORITHM;
  if (!IsPageSize(page_size)) return FAKEDIRTY_ERROR_PAGE_SIZE;
  uint64_t needed;
  const int status = CheckTable(*found, page_size, pages, flags, &needed);
  if (status == FAKEDIRTY_OK) *bytes = needed;
  return status;
}

int fakedirty_table_create(fakedirty_hasher* hasher, uint64_t pages, uint32_t flags,
                           fakedirty_table** table) {
  if (!hasher || !table) return FAKEDIRTY_ERROR_NULL;
  uint64_t bytes;
  const int status = CheckTable(*hasher->algorithm, hasher->page_size(), pages, flags, &bytes);
  if (status != FAKEDIRTY_OK) return status;
  return CreateTable(hasher, pages, (flags & FAKEDIRTY_TABLE_VERIFY) != 0, table);
}

void fakedirty_table_destroy(fakedirty_table* table) { delete table; }

int fakedirty_table_invalidate(fakedirty_table* table, uint64_t first, uint64_t pages) {
  if (!table) return FAKEDIRTY_ERROR_NULL;
  if (first > table->pages || pages > table->pages - first) return FAKEDIRTY_ERROR_INDEX;
  table->Invalidate(first, pages);
  return FAKEDIRTY_OK;
}

int fakedirty_table_reset(fakedirty_table* table) {
  if (!table) return FAKEDIRTY_ERROR_NULL;
  table->Reset();
  return FAKEDIRTY_OK;
}

uint64_t fakedirty_table_false_skips(const fakedirty_table* table) {
  return table ? table->false_skips.load(std::memory_order_relaxed) : 0;
}

int fakedirty_table_statistics(const fakedirty_table* table, fakedirty_statistics* statistics) {
  if (!table || !statistics) return FAKEDIRTY_ERROR_NULL;
  *statistics = table->Statistics();
  return FAKEDIRTY_OK;
}

// --- The filter --------------------------------------------------------------------------------

int fakedirty_classify(const fakedirty_table* table, const uint64_t* index,
                       const void* const* sources, size_t count, void* stage, size_t stage_bytes,
                       const void** copies, uint8_t* verdicts,
                       fakedirty_fingerprint* fingerprints) {
  int status = CheckBatch(table, index, count);
  if (status == FAKEDIRTY_OK) status = CheckPages(sources, count);
  if (status != FAKEDIRTY_OK || count == 0) return status;
  if (!stage || !copies || !verdicts || !fingerprints) return FAKEDIRTY_ERROR_NULL;
  const size_t page_size = table->hasher->page_size();
  if (stage_bytes / page_size < count) return FAKEDIRTY_ERROR_CAPACITY;
  const MemoryRange staged(stage, count * page_size);
  status = CheckDisjoint({staged,
                          {copies, count * sizeof(*copies)},
                          {verdicts, count},
                          {fingerprints, count * sizeof(*fingerprints)}},
                         {{index, count * sizeof(*index)}, {sources, count * sizeof(*sources)}});
  if (status != FAKEDIRTY_OK) return status;
  if (AnyPageOverlaps(sources, count, page_size, staged)) return FAKEDIRTY_ERROR_OVERLAP;
  Classify(*table, index, sources, count, stage, copies, verdicts, fingerprints);
  return FAKEDIRTY_OK;
}

int fakedirty_check(const fakedirty_table* table, const uint64_t* index, const void* const* pages,
                    size_t count, uint8_t* verdicts, fakedirty_fingerprint* fingerprints) {
  int status = CheckBatch(table, index, count);
  if (status == FAKEDIRTY_OK) status = CheckPages(pages, count);
  if (status != FAKEDIRTY_OK || count == 0) return status;
  if (!verdicts || !fingerprints) return FAKEDIRTY_ERROR_NULL;
  status = CheckDisjoint({{verdicts, count}, {fingerprints, count * sizeof(*fingerprints)}},
                         {{index, count * sizeof(*index)}, {pages, count * sizeof(*pages)}});
  if (status != FAKEDIRTY_OK) return status;
  Check(*table, index, pages, count, verdicts, fingerprints);
  return FAKEDIRTY_OK;
}

int fakedirty_commit(fakedirty_table* table, const uint64_t* index, const void* const* pages,
                     const fakedirty_fingerprint* fingerprints, size_t count) {
  int status = CheckBatch(table, index, count);
  if (status == FAKEDIRTY_OK && table->verifies()) status = CheckPages(pages, count);
  if (status != FAKEDIRTY_OK || count == 0) return status;
  if (!fingerprints) return FAKEDIRTY_ERROR_NULL;
  Commit(*table, index, pages, fingerprints, count);
  return FAKEDIRTY_OK;
}
