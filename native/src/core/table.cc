// SPDX-License-Identifier: MIT
// Creates tables, and does everything that concerns many slots at once.
#include "src/core/table.h"

#include <string.h>

#include <algorithm>

#include "src/core/mutants.h"
#include "src/core/slot.h"

namespace fakedirty {

bool WrittenChunks::Allocate(uint64_t slots) {
  flags_ = static_cast<bool*>(calloc((slots + kSlots - 1) / kSlots, sizeof(*flags_)));
  return flags_ != nullptr;
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

void fakedirty_table::ClearSlots(uint64_t first, uint64_t count) {
  memset(slot(first), 0, count * slot_bytes());
}

// Whole chunks; the table's last one may be shorter.
void fakedirty_table::GiveBackChunks(uint64_t first, uint64_t count) {
  if (count == 0) return;
  if (!slots.GiveBack(first * slot_bytes(), count * slot_bytes())) ClearSlots(first, count);
  // A copy is read only if its slot is known: it need not become zero.
  if (verifies()) copies.GiveBack(first * hasher->page_size(), count * hasher->page_size());
  for (uint64_t page = first; page < first + count; page += fakedirty::WrittenChunks::kSlots) {
    written.Clear(page);
  }
}

void fakedirty_table::Clear(uint64_t first, uint64_t count, bool give_back) {
  constexpr uint64_t kChunk = fakedirty::WrittenChunks::kSlots;
  const uint64_t end = first + count;
  uint64_t waiting = first;  // chunks from here on are given back together
  for (uint64_t at = first; at < end;) {
    const uint64_t chunk_end = std::min(at / kChunk * kChunk + kChunk, pages);
    const uint64_t part_end = std::min(chunk_end, end);
    const bool whole = at % kChunk == 0 && part_end == chunk_end;
    const bool is_written = written.Has(at);  // otherwise there is nothing to clear
    if (!(give_back && whole && is_written)) {
      GiveBackChunks(waiting, at - waiting);
      if (is_written) ClearSlots(at, part_end - at);
      waiting = part_end;
    }
    at = part_end;
  }
  GiveBackChunks(waiting, end - waiting);
}

// Most calls are for a few pages that are about to be sent unseen. They clear slots and do nothing
// else: no system call, and no page fault at the next commit.
void fakedirty_table::Invalidate(uint64_t first, uint64_t count) {
  Clear(first, count, count >= fakedirty::WrittenChunks::kSlots);
}

void fakedirty_table::Reset() {
  FAKEDIRTY_IF_MUTANT(kR5, return );
  Clear(0, pages, true);
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
