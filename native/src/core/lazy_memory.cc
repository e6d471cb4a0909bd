// SPDX-License-Identifier: MIT
// Lazy memory is an anonymous private mapping.
#include "src/core/lazy_memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

namespace fakedirty {
namespace {

constexpr uint64_t kHugePage = 2 << 20;

uint64_t SystemPage() { return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); }

uint64_t RoundUp(uint64_t bytes, uint64_t granule) {
  return (bytes + granule - 1) / granule * granule;
}

// After mlockall(MCL_FUTURE), new memory is locked, and filled as soon as it is accessible:
// gigabytes before the first page is sent. This keeps it locked, but has it filled when it is
// written.
bool LockWhenWritten(uint8_t* data, uint64_t bytes) {
  const bool locked = msync(data, bytes, MS_INVALIDATE) != 0 && errno == EBUSY;
#ifdef MLOCK_ONFAULT
  if (locked && mlock2(data, bytes, MLOCK_ONFAULT) == 0) return true;
#endif
  return !locked || munlock(data, bytes) == 0;
}

}  // namespace

LazyMemory::~LazyMemory() {
  if (data_) munmap(data_, mapped_);
}

// Huge pages are used where at least half of each is needed: one of 2 MiB holds the slots of half a
// gigabyte of guest memory (16 bytes for each 4 KiB), for one page fault.
bool LazyMemory::Allocate(uint64_t bytes, bool in_huge_pages) {
  const bool huge = in_huge_pages && bytes >= kHugePage / 2;
  const bool last_is_huge = huge && bytes % kHugePage >= kHugePage / 2;
  const uint64_t mapped = RoundUp(bytes, last_is_huge ? kHugePage : SystemPage());
  const uint64_t slack = huge ? kHugePage : 0;  // to start at a huge page's boundary
  // Not accessible yet, so that the system can't fill it at once (LockWhenWritten).
  void* const memory = mmap(nullptr, mapped + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  data_ = static_cast<uint8_t*>(memory);
  size_ = bytes;
  mapped_ = mapped;
  if (huge) {
    const uint64_t before = -reinterpret_cast<uintptr_t>(memory) % kHugePage;
    if (before > 0) munmap(data_, before);
    data_ += before;
    munmap(data_ + mapped, slack - before);
#ifdef MADV_HUGEPAGE
    (void)madvise(data_, mapped, MADV_HUGEPAGE);  // if refused, small pages will do
#endif
  }
  (void)madvise(data_, mapped, MADV_DONTDUMP);  // without it, all else works
  return LockWhenWritten(data_, mapped) && mprotect(data_, mapped, PROT_READ | PROT_WRITE) == 0;
}

// Page faults one by one cost more, and much more where a hypervisor keeps the page tables.
void LazyMemory::Populate([[maybe_unused]] uint64_t offset, [[maybe_unused]] uint64_t bytes) {
#ifdef MADV_POPULATE_WRITE
  // If the kernel does not know this, or is short of memory, the faults come one by one.
  (void)madvise(data_ + offset, bytes < size_ - offset ? bytes : size_ - offset,
                MADV_POPULATE_WRITE);
#endif
}

bool LazyMemory::GiveBack(uint64_t offset, uint64_t bytes) {
  // Locked memory (mlockall) is given back by another name, which Linux knows since 5.18.
#ifndef MADV_DONTNEED_LOCKED
  constexpr int MADV_DONTNEED_LOCKED = 24;
#endif
  return madvise(data_ + offset, bytes, MADV_DONTNEED) == 0 ||
         madvise(data_ + offset, bytes, MADV_DONTNEED_LOCKED) == 0;
}

}  // namespace fakedirty
