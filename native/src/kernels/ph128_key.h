// SPDX-License-Identifier: MIT
// The key of ph128: as the caller gives it, and as the kernels read it.
#ifndef FAKEDIRTY_SRC_KERNELS_PH128_KEY_H_
#define FAKEDIRTY_SRC_KERNELS_PH128_KEY_H_

#include "src/simd/bytes.h"

namespace fakedirty {

// x^64 = x^4 + x^3 + x + 1.
constexpr uint64_t kGf64Modulus = 0x1B;

// As given: 2n+2 words for n pairs of words a page, then r and r' for the two folds.
constexpr size_t Ph128KeyBytes(size_t page_size) { return page_size + 4 * sizeof(uint64_t); }

// As laid out: the second half's key is the first's, one pair later. It is kept apart so that both
// are read in aligned vectors: an unaligned one that crosses cache lines costs as much as two.
// Page, key and shifted key are three streams that advance together. When they lie at the same
// offset from a multiple of 4 KiB, processors fetch the page ahead much worse (33 against 25 GB/s
// from memory, Zen 4): the keys start 1 KiB apart from it and from each other.
constexpr size_t kPh128Apart = 1024;

constexpr size_t Ph128ShiftedOffset(size_t page_size) { return 2 * kPh128Apart + page_size; }

constexpr size_t Ph128LayoutBytes(size_t page_size) {
  return Ph128ShiftedOffset(page_size) + page_size + 2 * sizeof(uint64_t);
}

inline void LayOutPh128Key(const uint8_t* given, size_t page_size, uint8_t* layout) {
  constexpr size_t kPair = 2 * sizeof(uint64_t);
  memcpy(layout + kPh128Apart, given, page_size);
  // The shifted pairs, then r and r'.
  memcpy(layout + Ph128ShiftedOffset(page_size), given + kPair, page_size + kPair);
}

// A view of a layout, which starts a page of memory.
struct Ph128Key {
  Ph128Key(const uint8_t* layout, size_t page_size)
      : pairs(layout + kPh128Apart),
        shifted(layout + Ph128ShiftedOffset(page_size)),
        folds(shifted + page_size) {}
  uint64_t Fold(size_t half) const { return LoadLittle<uint64_t>(folds + half * sizeof(uint64_t)); }

  const uint8_t* pairs;
  const uint8_t* shifted;
  const uint8_t* folds;
};

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_KERNELS_PH128_KEY_H_
