// SPDX-License-Identifier: MIT
// Dealing pages out to SIMD lanes, one page a lane.
#ifndef FAKEDIRTY_SRC_SIMD_LANES_H_
#define FAKEDIRTY_SRC_SIMD_LANES_H_

#include "src/simd/bytes.h"

namespace fakedirty {

// A line of each lane's page.
struct LinesAhead {
  void Fetch(size_t lane) const { __builtin_prefetch(pages[lane] + offset, 0, 3); }
  const uint8_t* const* pages;
  size_t offset;
};

// As many pages as there are lanes. Spare lanes repeat a page into a digest that nobody reads.
template <size_t kLanes, size_t kDigestBytes>
struct LaneGroup {
  LaneGroup(const uint8_t* const* from, size_t count, uint8_t* to)
      : filled(count < kLanes ? count : kLanes) {
    for (size_t i = 0; i < kLanes; ++i) {
      pages[i] = from[i < filled ? i : 0];
      following[i] = from[filled + i < count ? filled + i : 0];
      digests[i] = i < filled ? to + i * kDigestBytes : spare;
    }
  }
  const uint8_t* pages[kLanes];
  const uint8_t* following[kLanes];  // the pages after these
  uint8_t* digests[kLanes];
  size_t filled;

  // Pages are read in far more streams than a processor can foresee: what will be read a little
  // later is fetched, at the end of these pages where the following ones start. A line at a time,
  // between other work: a burst of them would wait for one another.
  LinesAhead Ahead(size_t offset, size_t page_size) const {
    constexpr size_t kDistance = 4 * kCacheLine;
    const size_t at = offset + kDistance;
    return at < page_size ? LinesAhead{pages, at} : LinesAhead{following, at - page_size};
  }

 private:
  uint8_t spare[kDigestBytes];
};

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_SIMD_LANES_H_
