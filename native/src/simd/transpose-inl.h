// SPDX-License-Identifier: MIT
// Transposes page contents: from vectors that each hold bytes of one page to vectors that each hold
// the same word of many pages.
//
// Gathering one word of each page would take as many loads as there are lanes. Here whole vectors
// are loaded, and squares of words, then of 128-bit blocks, are transposed in registers.
#if defined(FAKEDIRTY_SRC_SIMD_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FAKEDIRTY_SRC_SIMD_TRANSPOSE_INL_H_
#undef FAKEDIRTY_SRC_SIMD_TRANSPOSE_INL_H_
#else
#define FAKEDIRTY_SRC_SIMD_TRANSPOSE_INL_H_
#endif

#include "hwy/highway.h"
#include "src/simd/bytes.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kBlocks = HWY_MAX_BYTES / 16;  // 128-bit blocks in a vector

// Block i of output j is block j of input i.
template <class V>
HWY_INLINE void TransposeBlocks(V (&v)[kBlocks]) {
#if HWY_MAX_BYTES == 32
  const hn::DFromV<V> d;
  const V lower = hn::ConcatLowerLower(d, v[1], v[0]);
  v[1] = hn::ConcatUpperUpper(d, v[1], v[0]);
  v[0] = lower;
#elif HWY_MAX_BYTES == 64
  const auto a = _mm512_shuffle_i32x4(v[0].raw, v[1].raw, 0x44);  // blocks 00 01 10 11
  const auto b = _mm512_shuffle_i32x4(v[0].raw, v[1].raw, 0xEE);
  const auto c = _mm512_shuffle_i32x4(v[2].raw, v[3].raw, 0x44);
  const auto d = _mm512_shuffle_i32x4(v[2].raw, v[3].raw, 0xEE);
  v[0] = V{_mm512_shuffle_i32x4(a, c, 0x88)};  // blocks 00 10 20 30
  v[1] = V{_mm512_shuffle_i32x4(a, c, 0xDD)};
  v[2] = V{_mm512_shuffle_i32x4(b, d, 0x88)};
  v[3] = V{_mm512_shuffle_i32x4(b, d, 0xDD)};
#else
  (void)v;
#endif
}

using D32 = hn::ScalableTag<uint32_t>;
using V32 = hn::Vec<D32>;
constexpr size_t kLanes32 = HWY_MAX_BYTES / 4;

// In each block: word i of output j is word j of input i.
HWY_INLINE void TransposeInBlocks(V32& v0, V32& v1, V32& v2, V32& v3) {
  const D32 d;
  const hn::RepartitionToWide<D32> wide;
  const auto low01 = hn::BitCast(wide, hn::InterleaveLower(d, v0, v1));
  const auto low23 = hn::BitCast(wide, hn::InterleaveLower(d, v2, v3));
  const auto high01 = hn::BitCast(wide, hn::InterleaveUpper(d, v0, v1));
  const auto high23 = hn::BitCast(wide, hn::InterleaveUpper(d, v2, v3));
  v0 = hn::BitCast(d, hn::InterleaveLower(wide, low01, low23));
  v1 = hn::BitCast(d, hn::InterleaveUpper(wide, low01, low23));
  v2 = hn::BitCast(d, hn::InterleaveLower(wide, high01, high23));
  v3 = hn::BitCast(d, hn::InterleaveUpper(wide, high01, high23));
}

// Reads 64 bytes of each of kLanes32 pages, at an offset, into words[16][kLanes32]. The work comes
// in eight parts of about equal length, so that callers can interleave them, in order, with other
// work. Order is applied to each vector first (SHA reads its words big-endian).
template <class Order>
class WordLoader {
 public:
  static constexpr size_t kParts = 8;

  WordLoader(const uint8_t* const* pages, size_t offset, uint32_t* words)
      : pages_(pages), offset_(offset), words_(words) {}

  template <size_t kPart>
  HWY_INLINE void Part() const {
    if constexpr (kPart < 4) {
      constexpr size_t kColumn = kPart / kBlocks, kGroup = kPart % kBlocks;
      TransposeRows(kColumn, kGroup);
    } else if constexpr (kBlocks > 1) {
      for (size_t column = 0; column < kColumns; ++column) TransposeWord(column, kPart - 4);
    }
  }

 private:
  static constexpr size_t kColumns = 16 / kLanes32;  // vectors in 64 bytes

  // Where four lanes of a word are stored. Until TransposeWord, block means the group of pages.
  HWY_INLINE uint32_t* At(size_t column, size_t word, size_t block) const {
    return words_ + (column * kLanes32 + 4 * block + word) * kLanes32;
  }

  // Loads a vector of each of four pages. Stores four vectors; in each of their blocks is one word
  // of the four pages.
  HWY_INLINE void TransposeRows(size_t column, size_t group) const {
    const D32 d;
    V32 row[4];
    for (size_t i = 0; i < 4; ++i) {
      const uint8_t* const from = pages_[4 * group + i] + offset_ + column * HWY_MAX_BYTES;
      row[i] = Order()(hn::LoadU(d, reinterpret_cast<const uint32_t*>(from)));
    }
    TransposeInBlocks(row[0], row[1], row[2], row[3]);
    for (size_t i = 0; i < 4; ++i) hn::Store(row[i], d, At(column, i, group));
  }

  HWY_INLINE void TransposeWord(size_t column, size_t word) const {
    const D32 d;
    V32 v[kBlocks];
    for (size_t i = 0; i < kBlocks; ++i) v[i] = hn::Load(d, At(column, word, i));
    TransposeBlocks(v);
    for (size_t i = 0; i < kBlocks; ++i) hn::Store(v[i], d, At(column, word, i));
  }

  const uint8_t* const* pages_;
  size_t offset_;
  uint32_t* words_;
};

template <class Order>
HWY_INLINE void LoadWords32(const uint8_t* const* pages, size_t offset, uint32_t* words) {
  const WordLoader<Order> loader(pages, offset, words);
  loader.template Part<0>();
  loader.template Part<1>();
  loader.template Part<2>();
  loader.template Part<3>();
  loader.template Part<4>();
  loader.template Part<5>();
  loader.template Part<6>();
  loader.template Part<7>();
}

struct AsIs {
  HWY_INLINE V32 operator()(V32 v) const { return v; }
};

struct BytesSwapped {
  HWY_INLINE V32 operator()(V32 v) const {
    const D32 d;
    const hn::Repartition<uint8_t, D32> bytes;
    alignas(16) static constexpr uint8_t kOrder[16] = {3,  2,  1, 0, 7,  6,  5,  4,
                                                       11, 10, 9, 8, 15, 14, 13, 12};
    return hn::BitCast(d,
                       hn::TableLookupBytes(hn::BitCast(bytes, v), hn::LoadDup128(bytes, kOrder)));
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace fakedirty
HWY_AFTER_NAMESPACE();

#endif  // FAKEDIRTY_SRC_SIMD_TRANSPOSE_INL_H_
