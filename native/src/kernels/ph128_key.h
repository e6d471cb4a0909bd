// SPDX-License-Identifier: MIT
// The key of ph128: the caller's form, and the layout that the kernels read.
#ifndef FAKEDIRTY_SRC_KERNELS_PH128_KEY_H_
#define FAKEDIRTY_SRC_KERNELS_PH128_KEY_H_

#include "src/simd/bytes.h"

namespace fakedirty {

// x^64 = x^4 + x^3 + x + 1.
constexpr uint64_t kGf64Modulus = 0x1B;

// The caller's key: 2n+2 words for the n pairs of words of a page, then r and r' for the two folds.
constexpr size_t Ph128KeyBytes(size_t page_size) { return page_size + 4 * sizeof(uint64_t); }

// The layout holds the key twice: the key of the second hash is that of the first, shifted by a
// pair. With a copy of its own, both are read in aligned vectors; an unaligned load that crosses a
// cache line costs as much as two. Page, key and shifted key are three streams that advance
// together. If they have the same offset from a multiple of 4 KiB, prefetching of the page suffers
// (25 instead of 33 GB/s from memory on Zen 4). So the keys start 1 KiB apart from the page and
// from each other.
constexpr size_t kPh128KeyGap = 1024;

constexpr size_t Ph128ShiftedOffset(size_t page_size) { return 2 * kPh128KeyGap + page_size; }

constexpr size_t Ph128LayoutBytes(size_t page_size) {
  return Ph128ShiftedOffset(page_size) + page_size + 2 * sizeof(uint64_t);
}

inline void LayOutPh128Key(const uint8_t* key, size_t page_size, uint8_t* layout) {
  constexpr size_t kPair = 2 * sizeof(uint64_t);
  memcpy(layout + kPh128KeyGap, key, page_size);
  // The shifted pairs, then r and r'.
  memcpy(layout + Ph128ShiftedOffset(page_size), key + kPair, page_size + kPair);
}

// A view of a layout. The layout starts at a page of memory.
struct Ph128Key {
  Ph128Key(const uint8_t* layout, size_t page_size)
      : pairs(layout + kPh128KeyGap),
        shifted(layout + Ph128ShiftedOffset(page_size)),
        folds(shifted + page_size) {}
  uint64_t Fold(size_t half) const { return LoadLittle<uint64_t>(folds + half * sizeof(uint64_t)); }

  const uint8_t* pairs;
  const uint8_t* shifted;
  const uint8_t* folds;
};

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_KERNELS_PH128_KEY_H_
