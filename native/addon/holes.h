// SPDX-License-Identifier: MIT
// Where a mapped file of memory (tmpfs, memfd) holds nothing.
//
// What a guest never wrote has no memory yet, and reading it through a map would take some: a check
// of a running guest would make it as large as it can become. So such places are not read; they are
// known to be zero. (Other file systems lend a page of the cache, which can be taken back.)
#ifndef FAKEDIRTY_ADDON_HOLES_H_
#define FAKEDIRTY_ADDON_HOLES_H_

#include <stddef.h>
#include <stdint.h>

#include <vector>

namespace fakedirty_addon {

// Whether reading holes of that file takes memory.
bool HolesTakeMemory(int file);

class Holes {
 public:
  // None.
  Holes() = default;
  // Those in so many bytes from an offset on, of which the map holds a copy at `mapped`. What lies
  // in a hole is zero now; where the system does not say, nothing is a hole.
  Holes(int file, const uint8_t* mapped, uint64_t offset, size_t bytes);

  // Whether all of these bytes, counted from the first one asked about, lie in holes.
  bool Cover(size_t first, size_t bytes) const;

 private:
  size_t block_bytes_ = 1;
  size_t before_ = 0;          // bytes of the first block that were not asked about
  std::vector<bool> is_hole_;  // a block each; empty: none is
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_HOLES_H_
