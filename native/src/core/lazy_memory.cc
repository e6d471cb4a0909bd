// SPDX-License-Identifier: MIT
// Lazy memory is an anonymous private mapping.
#include "src/core/lazy_memory.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

// Huge pages are used where at least half of each is needed: one of 2 MiB holds the slots of half a
// gigabyte of guest memory (16 bytes for each 4 KiB), for one page fault.
bool LazyMemory::Allocate(uint64_t bytes, bool in_huge_pages) {
  const bool huge = in_huge_pages && bytes >= kHugePage / 2;
  const bool last_is_huge = huge && bytes % kHugePage >= kHugePage / 2;
  const uint64_t mapped = RoundUp(bytes, last_is_huge ? kHugePage : SystemPage());
  const uint64_t slack = huge ? kHugePage : 0;  // to start at a huge page's boundary
  void* const memory =
      mmap(nullptr, mapped + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
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
  return true;
}

// Page faults one by one cost more, and much more where a hypervisor keeps the page tables.
void LazyMemory::Populate([[maybe_unused]] uint64_t offset, [[maybe_unused]] uint64_t bytes) {
#ifdef MADV_POPULATE_WRITE
  // If the kernel does not know this, or is short of memory, the faults come one by one.
  (void)madvise(data_ + offset, bytes < size_ - offset ? bytes : size_ - offset,
                MADV_POPULATE_WRITE);
#endif
}

void LazyMemory::Clear(uint64_t offset, uint64_t bytes) {
  const uint64_t granule = SystemPage();
  const uint64_t end = offset + bytes;
  const uint64_t first_whole = RoundUp(offset, granule);
  // Nothing else lies in the mapping's last page, however little of it is used.
  const uint64_t last_whole = end == size_ ? end : end / granule * granule;
  // Locked memory (mlockall) can't be given back. It is overwritten, like the edges.
  if (first_whole >= last_whole ||
      madvise(data_ + first_whole, last_whole - first_whole, MADV_DONTNEED) != 0) {
    memset(data_ + offset, 0, bytes);
    return;
  }
  memset(data_ + offset, 0, first_whole - offset);
  memset(data_ + last_whole, 0, end - last_whole);
}

}  // namespace fakedirty
