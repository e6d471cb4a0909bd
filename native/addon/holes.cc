// SPDX-License-Identifier: MIT
#include "addon/holes.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace fakedirty_addon {

bool HolesTakeMemory(int file) {
  constexpr decltype(statfs::f_type) kTmpfs = 0x01021994;  // TMPFS_MAGIC; memfds are on one too
  struct statfs system = {};
  return fstatfs(file, &system) == 0 && system.f_type == kTmpfs;
}

Holes::Holes(int file, const uint8_t* mapped, uint64_t offset, size_t bytes)
    : block_bytes_(static_cast<size_t>(sysconf(_SC_PAGESIZE))), before_(offset % block_bytes_) {
  const size_t blocks = (before_ + bytes + block_bytes_ - 1) / block_bytes_;
  // What is in memory says so at little cost. What is not may have been swapped out as well:
  // whether it is a hole, the file knows.
  std::vector<unsigned char> in_memory(blocks);
  void* const first = const_cast<uint8_t*>(mapped - before_);
  if (mincore(first, blocks * block_bytes_, in_memory.data()) != 0) return;
  std::vector<bool> is_hole(blocks);
  for (size_t i = 0; i < blocks;) {
    size_t next_data = i;
    if (!(in_memory[i] & 1)) {
      const off_t here = static_cast<off_t>(offset - before_ + i * block_bytes_);
      const off_t found = lseek(file, here, SEEK_DATA);
      if (found < 0 && errno != ENXIO) return;  // ENXIO: none from here on
      const size_t skipped = static_cast<size_t>(found - here) / block_bytes_;
      next_data = found < 0 ? blocks : std::min(blocks, i + skipped);
    }
    for (; i < next_data; ++i) is_hole[i] = true;
    ++i;  // data
  }
  is_hole_ = std::move(is_hole);
}

bool Holes::Cover(size_t first, size_t bytes) const {
  if (is_hole_.empty()) return false;
  const size_t end = (before_ + first + bytes + block_bytes_ - 1) / block_bytes_;
  for (size_t i = (before_ + first) / block_bytes_; i < end; ++i) {
    if (!is_hole_[i]) return false;
  }
  return true;
}

}  // namespace fakedirty_addon
