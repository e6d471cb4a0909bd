// SPDX-License-Identifier: MIT
// MD5, SHA-1 and SHA-256 of many pages in lanes: what the three have in common.
#if defined(FAKEDIRTY_SRC_KERNELS_DIGEST_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FAKEDIRTY_SRC_KERNELS_DIGEST_LANES_INL_H_
#undef FAKEDIRTY_SRC_KERNELS_DIGEST_LANES_INL_H_
#else
#define FAKEDIRTY_SRC_KERNELS_DIGEST_LANES_INL_H_
#endif

#include "src/kernels/digest_padding.h"
#include "src/kernels/kernel.h"
#include "src/simd/lanes.h"
#include "src/simd/logic-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Loads the words of the next block, and prefetches lines further on, while a block is compressed.
// The steps of the compression call it, so that it uses the units that they leave idle.
template <class Order, size_t kSets>
class NextBlockLoader {
 public:
  NextBlockLoader(const uint8_t* const* pages, size_t offset, uint32_t* words, LaneLines ahead)
      : pages_(pages), offset_(offset), words_(words), ahead_(ahead) {}

  template <size_t kStep, size_t kSteps>
  HWY_INLINE void LoadPart() const {
    constexpr size_t kStepsPerLine = kSteps / (kSets * kLanes32);
    if constexpr (kStep % kStepsPerLine == 0) ahead_.Prefetch(kStep / kStepsPerLine);
    using Loader = WordLoader<Order>;
    constexpr size_t kStepsPerPart = kSteps / (kSets * Loader::kParts);
    if constexpr (kStep % kStepsPerPart == 0) {
      constexpr size_t kSet = kStep / kStepsPerPart / Loader::kParts;
      constexpr size_t kPart = kStep / kStepsPerPart % Loader::kParts;
      Loader(pages_ + kSet * kLanes32, offset_, words_ + kSet * 16 * kLanes32)
          .template Part<kPart>();
    }
  }

 private:
  const uint8_t* const* pages_;
  size_t offset_;
  uint32_t* words_;
  LaneLines ahead_;
};

// Hashes kSets * kLanes32 pages. With two sets the latency of one hides behind the other.
// Algorithm has: kWords, kInitial[kWords], Order (of a word's bytes in the page), kBigEndian, and
// Compress<kSets>(state, words, next_block), where words is [kSets][16][kLanes32].
template <class Algorithm, size_t kSets>
HWY_INLINE void HashGroup(size_t page_size,
                          const LaneGroup<kSets * kLanes32, 4 * Algorithm::kWords>& group) {
  using Order = typename Algorithm::Order;
  const D32 d;
  constexpr size_t kSetWords = 16 * kLanes32;
  HWY_ALIGN uint32_t buffers[2][kSets * kSetWords];
  uint32_t* words = buffers[0];
  uint32_t* next_words = buffers[1];
  V32 state[kSets][Algorithm::kWords];
  for (size_t set = 0; set < kSets; ++set) {
    LoadWords32<Order>(group.pages + set * kLanes32, 0, words + set * kSetWords);
    for (size_t i = 0; i < Algorithm::kWords; ++i) {
      state[set][i] = hn::Set(d, Algorithm::kInitial[i]);
    }
  }
  // The last round is that of the padding. While the last blocks are compressed, the start of the
  // next pages is loaded: not to be used here, but to have it in the cache.
  for (size_t offset = 0; offset <= page_size; offset += 64) {
    const size_t next = offset + 64;
    const NextBlockLoader<Order, kSets> next_block(
        next < page_size ? group.pages : group.next_pages, next < page_size ? next : 0, next_words,
        group.LinesAhead(offset, page_size));
    Algorithm::template Compress<kSets>(state, words, next_block);
    if (next == page_size) {
      const PaddingBlock padding(page_size, Algorithm::kBigEndian);
      for (size_t i = 0; i < kSets * 16; ++i) {
        hn::Store(hn::Set(d, padding.words[i % 16]), d, next_words + i * kLanes32);
      }
    }
    uint32_t* const done = words;
    words = next_words;
    next_words = done;
  }

  for (size_t set = 0; set < kSets; ++set) {
    for (size_t i = 0; i < Algorithm::kWords; ++i) {
      hn::Store(state[set][i], d, words + i * kLanes32);
    }
    for (size_t lane = 0; lane < kLanes32; ++lane) {
      uint8_t* const digest = group.digests[set * kLanes32 + lane];
      for (size_t i = 0; i < Algorithm::kWords; ++i) {
        const uint32_t word = words[i * kLanes32 + lane];
        StoreLittle(digest + 4 * i, Algorithm::kBigEndian ? ByteSwap(word) : word);
      }
    }
  }
}

// The widest groups come first. The remaining pages go to a narrower one, or page by page if there
// are so few of them that this is faster.
template <class Algorithm>
HWY_INLINE void HashPages(const HashParameters& parameters, const uint8_t* const* pages,
                          size_t count, uint8_t* digests, DigestFunction one_by_one,
                          size_t max_one_by_one) {
  constexpr size_t kDigestBytes = 4 * Algorithm::kWords;
  static_assert(Algorithm::kSets * kLanes32 <= kMaxLanes,
                "callers have room for kMaxLanes digests");
  while (count > max_one_by_one) {
    size_t done;
    if (Algorithm::kSets > 1 && count > kLanes32) {
      LaneGroup<Algorithm::kSets * kLanes32, kDigestBytes> group(pages, count, digests);
      HashGroup<Algorithm, Algorithm::kSets>(parameters.page_size, group);
      done = group.filled;
    } else {
      LaneGroup<kLanes32, kDigestBytes> group(pages, count, digests);
      HashGroup<Algorithm, 1>(parameters.page_size, group);
      done = group.filled;
    }
    pages += done;
    digests += done * kDigestBytes;
    count -= done;
  }
  one_by_one(parameters, pages, count, digests, {});
}

}  // namespace HWY_NAMESPACE
}  // namespace fakedirty
HWY_AFTER_NAMESPACE();

#endif  // FAKEDIRTY_SRC_KERNELS_DIGEST_LANES_INL_H_
