// SPDX-License-Identifier: MIT
// Creates tables, and does everything that concerns many slots at once.
#include "src/core/table.h"

#include "src/core/mutants.h"
#include "src/core/slot.h"

namespace fakedirty {

bool WrittenChunks::Allocate(uint64_t slots) {
  flags_ = static_cast<bool*>(calloc((slots + kSlots - 1) / kSlots, sizeof(*flags_)));
  slots_ = slots;
  return flags_ != nullptr;
}

void WrittenChunks::Clear(uint64_t first, uint64_t slots) {
  const uint64_t end = first + slots;
  for (uint64_t start = (first + kSlots - 1) / kSlots * kSlots; start < end; start += kSlots) {
    const bool whole = end - start >= kSlots || end == slots_;
    if (whole) __atomic_store_n(&flags_[start / kSlots], false, __ATOMIC_RELAXED);
  }
}

int CreateTable(fakedirty_hasher* hasher, uint64_t pages, bool verify, fakedirty_table** table) {
  fakedirty_table* const created = new (kNoThrow) fakedirty_table;
  if (!created) return FAKEDIRTY_ERROR_NO_MEMORY;
  if (!created->slots.Allocate(pages * hasher->digest_bytes(), true) ||
      !created->written.Allocate(pages) ||
      (verify && !created->copies.Allocate(pages * hasher->page_size(), false))) {
    delete created;
    return FAKEDIRTY_ERROR_NO_MEMORY;
  }
  Retain(hasher);
  created->hasher = hasher;
  created->pages = pages;
  *table = created;
  return FAKEDIRTY_OK;
}

}  // namespace fakedirty

fakedirty_table::~fakedirty_table() {
  if (hasher) fakedirty::Release(hasher);
}

void fakedirty_table::PrepareChunk(uint64_t page) {
  constexpr uint64_t kChunk = fakedirty::WrittenChunks::kSlots;
  slots.Populate(page / kChunk * kChunk * slot_bytes(), kChunk * slot_bytes());
  written.Set(page);
}

void fakedirty_table::Invalidate(uint64_t first, uint64_t count) {
  slots.Clear(first * slot_bytes(), count * slot_bytes());
  written.Clear(first, count);
}

void fakedirty_table::Reset() {
  FAKEDIRTY_IF_MUTANT(kR5, return );
  Invalidate(0, pages);
  if (verifies()) copies.Clear(0, copies.size());
  false_skips.store(0, std::memory_order_relaxed);
}

fakedirty_statistics fakedirty_table::Statistics() const {
  fakedirty_statistics statistics = {};
  statistics.pages = pages;
  constexpr uint64_t kChunk = fakedirty::WrittenChunks::kSlots;
  for (uint64_t first = 0; first < pages; first += kChunk) {
    const uint64_t end = pages - first < kChunk ? pages : first + kChunk;
    if (!written.Has(first)) {
      statistics.unknown += end - first;
      continue;
    }
    for (uint64_t page = first; page < end; ++page) {
      statistics.unknown += fakedirty::IsUnknown(slot(page), slot_bytes());
      statistics.zero += fakedirty::IsZeroPage(slot(page), slot_bytes());
    }
  }
  statistics.known = statistics.pages - statistics.unknown - statistics.zero;
  statistics.false_skips = false_skips.load(std::memory_order_relaxed);
  statistics.bytes = slots.size() + copies.size();
  return statistics;
}
