// SPDX-License-Identifier: MIT
#include "addon/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <atomic>

namespace fakedirty_addon {

// Written by the thread that maps, read by the handler on whatever thread a signal strikes. end is
// written last and cleared first: a region with an end is complete.
struct Region {
  std::atomic<uintptr_t> begin{0}, end{0};
  std::atomic<uintptr_t> block{0};  // the granularity of the map: a page, or a huge page
  std::atomic<bool> taken{false};
  std::atomic<bool> cut{false};
};

namespace {

constexpr size_t kMaxRegions = 1024;
Region regions[kMaxRegions];
struct sigaction previous_action;

Region* RegionAt(uintptr_t address) {
  for (Region& region : regions) {
    const uintptr_t end = region.end.load(std::memory_order_acquire);
    if (address < end && address >= region.begin.load(std::memory_order_relaxed)) return &region;
  }
  return nullptr;
}

// Allowed in a signal handler: atomics, and system calls.
void OnBusError(int signal, siginfo_t* info, void* context) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
  Region* const region = info->si_code > 0 ? RegionAt(address) : nullptr;
  if (region) {
    const int saved_errno = errno;
    const uintptr_t block = region->block.load(std::memory_order_relaxed);
    void* const start = static_cast<uint8_t*>(info->si_addr) - address % block;
    region->cut.store(true, std::memory_order_release);
    const void* const zeros =
        mmap(start, block, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    errno = saved_errno;
    if (zeros == start) return;
  }
  // Not ours: as if this handler had never been there. (It is there for as long as the process: the
  // addon is linked never to be unloaded, not even with the last worker thread that used it.)
  if ((previous_action.sa_flags & SA_SIGINFO) && previous_action.sa_sigaction) {
    previous_action.sa_sigaction(signal, info, context);
  } else if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    previous_action.sa_handler(signal);
  } else {
    sigaction(SIGBUS, &previous_action, nullptr);
    // The access is repeated, and ends the process. A signal that was sent is sent again.
    if (info->si_code <= 0) raise(signal);
  }
}

bool HandleBusErrors() {
  static const bool handled = [] {
    struct sigaction action = {};
    action.sa_sigaction = OnBusError;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, &previous_action) == 0;
  }();
  return handled;
}

Region* TakeRegion() {
  for (Region& region : regions) {
    bool taken = false;
    if (region.taken.compare_exchange_strong(taken, true)) return &region;
  }
  return nullptr;
}

uintptr_t BlockOf(int file) {
  constexpr decltype(statfs::f_type) kHugePages = 0x958458f6;  // HUGETLBFS_MAGIC
  struct statfs system = {};
  if (fstatfs(file, &system) == 0 && system.f_type == kHugePages) return system.f_bsize;
  return static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::shared_ptr<Mapping> Mapping::Open(const std::string& path, int* error, const char** refusal) {
  *error = 0;
  *refusal = nullptr;
  const auto failed = [&] {
    *error = errno;
    return nullptr;
  };
  std::shared_ptr<Mapping> mapping(new Mapping);
  // A FIFO without a writer must not be waited for.
  mapping->file_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (mapping->file_ < 0) return failed();
  struct stat status;
  if (fstat(mapping->file_, &status) != 0) return failed();
  if (!S_ISREG(status.st_mode)) {
    *refusal = "it is not a regular file";
    return nullptr;
  }
  if (status.st_size == 0) {
    *refusal = "it is empty";
    return nullptr;
  }
  if (!HandleBusErrors()) return failed();
  Region* const region = TakeRegion();
  if (!region) {
    *refusal = "too many files are open at once (1024)";
    return nullptr;
  }
  const uint64_t bytes = static_cast<uint64_t>(status.st_size);
  void* const data = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, mapping->file_, 0);
  if (data == MAP_FAILED) {
    *error = errno;
    region->taken.store(false);
    return nullptr;
  }
  mapping->data_ = static_cast<const uint8_t*>(data);
  mapping->bytes_ = bytes;
  mapping->holes_take_memory_ = HolesTakeMemory(mapping->file_);
  mapping->region_ = region;
  region->cut.store(false);
  region->block.store(BlockOf(mapping->file_));
  region->begin.store(reinterpret_cast<uintptr_t>(data));
  region->end.store(reinterpret_cast<uintptr_t>(data) + bytes, std::memory_order_release);
  return mapping;
}

Mapping::~Mapping() {
  if (region_) {
    region_->end.store(0, std::memory_order_release);
    munmap(const_cast<uint8_t*>(data_), bytes_);
    region_->taken.store(false);
  }
  if (file_ >= 0) close(file_);
}

Holes Mapping::HolesIn(uint64_t offset, size_t bytes) const {
  return holes_take_memory_ ? Holes(file_, data_ + offset, offset, bytes) : Holes();
}

bool Mapping::HasShrunk() const {
  if (region_->cut.load(std::memory_order_acquire)) return true;
  struct stat status;
  return fstat(file_, &status) != 0 || static_cast<uint64_t>(status.st_size) < bytes_;
}

}  // namespace fakedirty_addon
