// SPDX-License-Identifier: MIT
// Distributes pages over SIMD lanes, one page a lane.
#ifndef FAKEDIRTY_SRC_SIMD_LANES_H_
#define FAKEDIRTY_SRC_SIMD_LANES_H_

#include "src/simd/bytes.h"

namespace fakedirty {

// One cache line of each lane's page.
struct LaneLines {
  void Prefetch(size_t lane) const { __builtin_prefetch(pages[lane] + offset, 0, 3); }
  const uint8_t* const* pages;
  size_t offset;
};

// As many pages as there are lanes. Spare lanes hash the first page once more, into a digest that
// nobody reads.
template <size_t kLanes, size_t kDigestBytes>
struct LaneGroup {
  LaneGroup(const uint8_t* const* from, size_t count, uint8_t* to)
      : filled(count < kLanes ? count : kLanes) {
    for (size_t i = 0; i < kLanes; ++i) {
      pages[i] = from[i < filled ? i : 0];
      next_pages[i] = from[filled + i < count ? filled + i : 0];
      digests[i] = i < filled ? to + i * kDigestBytes : spare;
    }
  }
  const uint8_t* pages[kLanes];
  const uint8_t* next_pages[kLanes];  // of the next group
  uint8_t* digests[kLanes];
  size_t filled;

  // The lines to prefetch while those at offset are hashed: a little further on, or at the start of
  // the next pages. Lanes are more streams than a processor can prefetch by itself. Prefetch one
  // line at a time, between other work: in a burst, they would wait for one another.
  LaneLines LinesAhead(size_t offset, size_t page_size) const {
    constexpr size_t kDistance = 4 * kCacheLine;
    const size_t at = offset + kDistance;
    return at < page_size ? LaneLines{pages, at} : LaneLines{next_pages, at - page_size};
  }

 private:
  uint8_t spare[kDigestBytes];
};

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_SIMD_LANES_H_
