// SPDX-License-Identifier: MIT
// Creating tables, and everything that is done to whole ranges of slots.
#include "src/core/table.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/core/broken.h"

namespace fakedirty {

namespace {

constexpr uint64_t kHugePage = 2 << 20;

uint64_t SystemPage() { return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); }

uint64_t RoundUp(uint64_t bytes, uint64_t granule) {
  return (bytes + granule - 1) / granule * granule;
}

}  // namespace

LazyMemory::~LazyMemory() {
  if (data_) munmap(data_, mapped_);
}

// In huge pages, where at least half of each is used: one of 2 MiB has the slots of half a gigabyte
// of guest memory, for one page fault.
bool LazyMemory::Allocate(uint64_t bytes, bool in_huge_pages) {
  const bool huge = in_huge_pages && bytes >= kHugePage / 2;
  const bool last_is_huge = huge && bytes % kHugePage >= kHugePage / 2;
  const uint64_t whole = RoundUp(bytes, last_is_huge ? kHugePage : SystemPage());
  const uint64_t slack = huge ? kHugePage : 0;  // to begin where a huge page does
  void* const memory =
      mmap(nullptr, whole + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  data_ = static_cast<uint8_t*>(memory);
  size_ = bytes;
  mapped_ = whole;
  if (huge) {
    const uint64_t before = -reinterpret_cast<uintptr_t>(memory) % kHugePage;
    if (before > 0) munmap(data_, before);
    data_ += before;
    munmap(data_ + whole, slack - before);
#ifdef MADV_HUGEPAGE
    (void)madvise(data_, whole, MADV_HUGEPAGE);  // a wish
#endif
  }
  return true;
}

// One fault after the other costs more, much more where a hypervisor keeps the page tables.
void LazyMemory::Expect(uint64_t offset, uint64_t bytes) {
#ifdef MADV_POPULATE_WRITE
  // Where the kernel can't, or there is no memory, the faults come one by one.
  (void)madvise(data_ + offset, bytes < size_ - offset ? bytes : size_ - offset,
                MADV_POPULATE_WRITE);
#endif
}

void LazyMemory::Clear(uint64_t offset, uint64_t bytes) {
  const uint64_t granule = SystemPage();
  const uint64_t end = offset + bytes;
  const uint64_t first_whole = RoundUp(offset, granule);
  // The mapping's last granule is its own to the end, whatever its size.
  const uint64_t last_whole = end == size_ ? end : end / granule * granule;
  // Locked memory (mlockall) can't be given back; then it is overwritten like the edges.
  if (first_whole >= last_whole ||
      madvise(data_ + first_whole, last_whole - first_whole, MADV_DONTNEED) != 0) {
    memset(data_ + offset, 0, bytes);
    return;
  }
  memset(data_ + offset, 0, first_whole - offset);
  memset(data_ + last_whole, 0, end - last_whole);
}

bool WrittenStretches::Allocate(uint64_t slots) {
  flags_ = static_cast<bool*>(calloc((slots + kSlots - 1) / kSlots, sizeof(*flags_)));
  slots_ = slots;
  return flags_ != nullptr;
}

void WrittenStretches::Forget(uint64_t first, uint64_t slots) {
  const uint64_t end = first + slots;
  for (uint64_t start = (first + kSlots - 1) / kSlots * kSlots; start < end; start += kSlots) {
    const bool whole = end - start >= kSlots || end == slots_;
    if (whole) __atomic_store_n(&flags_[start / kSlots], false, __ATOMIC_RELAXED);
  }
}

namespace {

bool Multiply(uint64_t a, uint64_t b, uint64_t* product) {
  return !__builtin_mul_overflow(a, b, product) && *product <= PTRDIFF_MAX;
}

int Prepare(fakedirty_hasher* hasher, uint64_t pages, bool verify, fakedirty_table& table) {
  uint64_t slots_bytes = 0, copies_bytes = 0;
  if (!Multiply(pages, hasher->digest_bytes(), &slots_bytes) ||
      (verify && !Multiply(pages, hasher->page_size(), &copies_bytes))) {
    return FAKEDIRTY_ERROR_TOO_LARGE;
  }
  if (!table.slots.Allocate(slots_bytes, true) || !table.written.Allocate(pages) ||
      (verify && !table.copies.Allocate(copies_bytes, false))) {
    return FAKEDIRTY_ERROR_NO_MEMORY;
  }
  Retain(hasher);
  table.hasher = hasher;
  table.pages = pages;
  return FAKEDIRTY_OK;
}

}  // namespace
}  // namespace fakedirty

fakedirty_table::~fakedirty_table() {
  if (hasher) fakedirty::Release(hasher);
}

void fakedirty_table::NoteFirstWrite(uint64_t page) {
  constexpr uint64_t kStretch = fakedirty::WrittenStretches::kSlots;
  slots.Expect(page / kStretch * kStretch * slot_bytes(), kStretch * slot_bytes());
  written.Note(page);
}

int fakedirty_table_create(fakedirty_hasher* hasher, uint64_t pages, uint32_t flags,
                           fakedirty_table** table) {
  if (!hasher || !table) return FAKEDIRTY_ERROR_NULL;
  if (flags & ~FAKEDIRTY_TABLE_VERIFY) return FAKEDIRTY_ERROR_FLAGS;
  if (pages == 0) return FAKEDIRTY_ERROR_PAGES;
  fakedirty_table* const made = new (fakedirty::kNoThrow) fakedirty_table;
  if (!made) return FAKEDIRTY_ERROR_NO_MEMORY;
  const int status =
      fakedirty::Prepare(hasher, pages, (flags & FAKEDIRTY_TABLE_VERIFY) != 0, *made);
  if (status != FAKEDIRTY_OK) {
    delete made;
    return status;
  }
  *table = made;
  return FAKEDIRTY_OK;
}

void fakedirty_table_destroy(fakedirty_table* table) { delete table; }

int fakedirty_table_invalidate(fakedirty_table* table, uint64_t first, uint64_t pages) {
  if (!table) return FAKEDIRTY_ERROR_NULL;
  if (first > table->pages || pages > table->pages - first) return FAKEDIRTY_ERROR_INDEX;
  table->slots.Clear(first * table->slot_bytes(), pages * table->slot_bytes());
  table->written.Forget(first, pages);
  return FAKEDIRTY_OK;
}

int fakedirty_table_forget(fakedirty_table* table) {
  if (!table) return FAKEDIRTY_ERROR_NULL;
  if (fakedirty::broken::kNothingForgotten) return FAKEDIRTY_OK;
  table->slots.Clear(0, table->slots.size());
  table->written.Forget(0, table->pages);
  if (table->verifies()) table->copies.Clear(0, table->copies.size());
  table->false_skips.store(0, std::memory_order_relaxed);
  return FAKEDIRTY_OK;
}

int fakedirty_table_count(const fakedirty_table* table, fakedirty_table_counts* counts) {
  if (!table || !counts) return FAKEDIRTY_ERROR_NULL;
  *counts = {};
  counts->pages = table->pages;
  constexpr uint64_t kStretch = fakedirty::WrittenStretches::kSlots;
  for (uint64_t first = 0; first < table->pages; first += kStretch) {
    const uint64_t end = table->pages - first < kStretch ? table->pages : first + kStretch;
    if (!table->written.Has(first)) {
      counts->unknown += end - first;
      continue;
    }
    for (uint64_t page = first; page < end; ++page) {
      const uint8_t* const slot = table->slot(page);
      counts->unknown += fakedirty::IsUnknown(slot, table->slot_bytes());
      counts->zero += fakedirty::SaysZero(slot, table->slot_bytes());
    }
  }
  counts->known = counts->pages - counts->unknown - counts->zero;
  counts->false_skips = table->false_skips.load(std::memory_order_relaxed);
  counts->bytes = table->slots.size() + table->copies.size();
  return FAKEDIRTY_OK;
}
