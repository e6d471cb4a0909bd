// SPDX-License-Identifier: MIT
// MurmurHash3 x86_32 and x64_128: many pages in lanes, or a few interleaved.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/murmur3.cc"
#include "src/simd/vector.h"
// vector.h must come first.
#include "src/kernels/murmur3.h"
#include "src/simd/lanes.h"

#if FAKEDIRTY_VECTOR
#include "src/simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE void Murmur32Group(const HashParameters& parameters,
                              const LaneGroup<kLanes32, 4>& group) {
  const D32 d;
  const V32 c1 = hn::Set(d, kMurmur32C1), c2 = hn::Set(d, kMurmur32C2);
  const V32 constant = hn::Set(d, kMurmur32Add);
  HWY_ALIGN uint32_t words[16 * kLanes32];
  V32 hash = hn::Set(d, static_cast<uint32_t>(parameters.seed));
  for (size_t offset = 0; offset < parameters.page_size; offset += 64) {
    const LaneLines ahead = group.LinesAhead(offset, parameters.page_size);
    LoadWords32<AsIs>(group.pages, offset, words);
    for (size_t i = 0; i < 16; ++i) {
      if (i < kLanes32) ahead.Prefetch(i);
      V32 word = hn::Mul(hn::Load(d, words + i * kLanes32), c1);
      word = hn::Mul(hn::RotateRight<17>(word), c2);
      hash = hn::RotateRight<19>(hn::Xor(hash, word));
      hash = hn::Add(hn::ShiftLeft<2>(hash), hn::Add(hash, constant));  // 5 * hash + constant
    }
  }
  hn::Store(hash, d, words);
  for (size_t lane = 0; lane < kLanes32; ++lane) {
    FinishMurmur32(words[lane], parameters.page_size, group.digests[lane]);
  }
}

void Murmur32Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                   uint8_t* digests, const uint8_t*) {
  constexpr size_t kDigestBytes = 4, kMaxOneByOne = kLanes32 / 4;
  while (count > kMaxOneByOne) {
    LaneGroup<kLanes32, kDigestBytes> group(pages, count, digests);
    Murmur32Group(parameters, group);
    pages += group.filled;
    digests += group.filled * kDigestBytes;
    count -= group.filled;
  }
  Murmur32Interleaved(parameters, pages, count, digests, {});
}

constexpr Kernel kMurmur32 = {Murmur32Pages, kLanes32};

#if HWY_MAX_BYTES == 64

// 64-bit lanes pay off only with AVX-512, which multiplies 64-bit words.
using D64 = hn::ScalableTag<uint64_t>;
using V64 = hn::Vec<D64>;
constexpr size_t kLanes64 = HWY_MAX_BYTES / 8;

template <int kRotation>
HWY_INLINE V64 Scramble(V64 word, V64 first, V64 second) {
  return hn::Mul(hn::RotateRight<64 - kRotation>(hn::Mul(word, first)), second);
}

HWY_INLINE V64 FiveTimes(V64 v, V64 plus) { return hn::Add(hn::ShiftLeft<2>(v), hn::Add(v, plus)); }

HWY_INLINE void Murmur128Group(const HashParameters& parameters,
                               const LaneGroup<kLanes64, 16>& group) {
  const D64 d;
  const V64 c1 = hn::Set(d, kMurmur128C1), c2 = hn::Set(d, kMurmur128C2);
  const V64 add1 = hn::Set(d, kMurmur128Add1), add2 = hn::Set(d, kMurmur128Add2);
  V64 h1 = hn::Set(d, parameters.seed), h2 = h1;
  for (size_t offset = 0; offset < parameters.page_size; offset += 64) {
    const LaneLines ahead = group.LinesAhead(offset, parameters.page_size);
    V64 first[kBlocks], second[kBlocks];  // words of 16-byte blocks, pages 2i and 2i+1
    for (size_t i = 0; i < kBlocks; ++i) {
      const V64 even = hn::LoadU(d, reinterpret_cast<const uint64_t*>(group.pages[2 * i] + offset));
      const V64 odd =
          hn::LoadU(d, reinterpret_cast<const uint64_t*>(group.pages[2 * i + 1] + offset));
      first[i] = hn::InterleaveLower(d, even, odd);
      second[i] = hn::InterleaveUpper(d, even, odd);
    }
    TransposeBlocks(first);
    TransposeBlocks(second);
    for (size_t i = 0; i < kBlocks; ++i) {
      ahead.Prefetch(2 * i);
      ahead.Prefetch(2 * i + 1);
      h1 = hn::Xor(h1, Scramble<31>(first[i], c1, c2));
      h1 = FiveTimes(hn::Add(hn::RotateRight<37>(h1), h2), add1);
      h2 = hn::Xor(h2, Scramble<33>(second[i], c2, c1));
      h2 = FiveTimes(hn::Add(hn::RotateRight<33>(h2), h1), add2);
    }
  }
  HWY_ALIGN uint64_t words[2][kLanes64];
  hn::Store(h1, d, words[0]);
  hn::Store(h2, d, words[1]);
  for (size_t lane = 0; lane < kLanes64; ++lane) {
    FinishMurmur128(words[0][lane], words[1][lane], parameters.page_size, group.digests[lane]);
  }
}

void Murmur128Pages(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                    uint8_t* digests, const uint8_t*) {
  constexpr size_t kDigestBytes = 16, kMaxOneByOne = kLanes64 / 2;
  while (count > kMaxOneByOne) {
    LaneGroup<kLanes64, kDigestBytes> group(pages, count, digests);
    Murmur128Group(parameters, group);
    pages += group.filled;
    digests += group.filled * kDigestBytes;
    count -= group.filled;
  }
  Murmur128Interleaved(parameters, pages, count, digests, {});
}

constexpr Kernel kMurmur128 = {Murmur128Pages, kLanes64};

#else

constexpr Kernel kMurmur128 = {Murmur128Interleaved, 4};

#endif  // HWY_MAX_BYTES

}  // namespace HWY_NAMESPACE
}  // namespace fakedirty
HWY_AFTER_NAMESPACE();
#endif  // FAKEDIRTY_VECTOR

#if HWY_ONCE
namespace fakedirty {
namespace {

struct Murmur32 {
  static constexpr size_t kDigestBytes = 4;
  static constexpr size_t kStep = 4;

  void Start(uint64_t seed) { hash = static_cast<uint32_t>(seed); }

  void Add(const uint8_t* bytes) {
    const uint32_t word = LoadLittle<uint32_t>(bytes) * kMurmur32C1;
    hash = RotateLeft(hash ^ RotateLeft(word, 15) * kMurmur32C2, 13) * 5 + kMurmur32Add;
  }

  void Finish(size_t page_size, uint8_t* digest) const { FinishMurmur32(hash, page_size, digest); }

  uint32_t hash;
};

struct Murmur128 {
  static constexpr size_t kDigestBytes = 16;
  static constexpr size_t kStep = 16;

  void Start(uint64_t seed) { h1 = h2 = seed; }

  void Add(const uint8_t* bytes) {
    h1 ^= RotateLeft(LoadLittle<uint64_t>(bytes) * kMurmur128C1, 31) * kMurmur128C2;
    h1 = (RotateLeft(h1, 27) + h2) * 5 + kMurmur128Add1;
    h2 ^= RotateLeft(LoadLittle<uint64_t>(bytes + 8) * kMurmur128C2, 33) * kMurmur128C1;
    h2 = (RotateLeft(h2, 31) + h1) * 5 + kMurmur128Add2;
  }

  void Finish(size_t page_size, uint8_t* digest) const {
    FinishMurmur128(h1, h2, page_size, digest);
  }

  uint64_t h1, h2;
};

// Each step waits for the one before it. Interleaving several pages keeps the multiplier busy.
template <class Hash, size_t kPages>
void HashAtOnce(const HashParameters& parameters, const uint8_t* const* pages, uint8_t* digests) {
  const uint8_t* at[kPages];
  Hash hash[kPages];
  for (size_t i = 0; i < kPages; ++i) {
    hash[i].Start(parameters.seed);
    at[i] = pages[i];
  }
  for (size_t offset = 0; offset < parameters.page_size; offset += Hash::kStep) {
    for (size_t i = 0; i < kPages; ++i) hash[i].Add(at[i] + offset);
  }
  for (size_t i = 0; i < kPages; ++i) {
    hash[i].Finish(parameters.page_size, digests + i * Hash::kDigestBytes);
  }
}

template <class Hash>
void HashInterleaved(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                     uint8_t* digests) {
  constexpr size_t kPages = 4;
  for (; count >= kPages;
       count -= kPages, pages += kPages, digests += kPages * Hash::kDigestBytes) {
    HashAtOnce<Hash, kPages>(parameters, pages, digests);
  }
  for (; count > 0; --count, ++pages, digests += Hash::kDigestBytes) {
    HashAtOnce<Hash, 1>(parameters, pages, digests);
  }
}

}  // namespace

void Murmur32Interleaved(const HashParameters& parameters, const uint8_t* const* pages,
                         size_t count, uint8_t* digests, const uint8_t*) {
  HashInterleaved<Murmur32>(parameters, pages, count, digests);
}

void Murmur128Interleaved(const HashParameters& parameters, const uint8_t* const* pages,
                          size_t count, uint8_t* digests, const uint8_t*) {
  HashInterleaved<Murmur128>(parameters, pages, count, digests);
}

Kernel Murmur3_32Kernel(Target target) {
  constexpr Kernel kPortable = {Murmur32Interleaved, 4};
  FAKEDIRTY_SELECT(target, kMurmur32, kPortable);
}

Kernel Murmur3_128Kernel(Target target) {
  constexpr Kernel kPortable = {Murmur128Interleaved, 4};
  FAKEDIRTY_SELECT(target, kMurmur128, kPortable);
}

}  // namespace fakedirty
#endif  // HWY_ONCE
