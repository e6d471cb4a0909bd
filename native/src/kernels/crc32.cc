// SPDX-License-Identifier: MIT
// The CRC-32 of zlib and PNG, by carry-less folding.
//
// A page is a polynomial whose first bit has the highest power. Let F = x^D mod P. Then block * x^D
// and block * F have the same remainder modulo P, and block * F is short enough to be added to the
// block that follows D bits later. Folding goes on until one block of 128 bits is left, whose
// remainder comes from tables.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/crc32.cc"
#include "src/simd/vector.h"
// vector.h must come first.
#include "src/kernels/crc32.h"
#include "src/kernels/kernel.h"
#include "src/simd/bytes.h"

#if FAKEDIRTY_VECTOR
#include "src/simd/clmul-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Moves v by kBits and adds the block that is there. (The halves of a block are 64 bits apart.)
template <size_t kBits, class V>
HWY_INLINE V FoldInto(V v, V there) {
  const hn::DFromV<V> d;
  constexpr uint64_t kLow = Crc32Power(kBits + 63), kHigh = Crc32Power(kBits - 1);
  return hn::Xor(
      there, hn::Xor(hn::CLMulLower(v, hn::Set(d, kLow)), hn::CLMulUpper(v, hn::Set(d, kHigh))));
}

template <bool kPrefetch>
HWY_INLINE Block Remainder(const uint8_t* page, size_t page_size, const uint8_t* next) {
  const D64 d;
  constexpr size_t kVector = kClmulBytes, kStride = 4 * kVector;
  const auto load = [&](size_t at) HWY_ATTR {
    return hn::LoadU(d, reinterpret_cast<const uint64_t*>(page + at));
  };
  V64 a = load(0), b = load(kVector), c = load(2 * kVector), e = load(3 * kVector);
  alignas(64) static constexpr uint64_t kStart[8] = {0xFFFFFFFF};  // CRC-32 starts from all ones
  a = hn::Xor(a, hn::Load(d, kStart));
  if (kPrefetch) {
    for (size_t i = 0; i < kStride; i += kCacheLine) __builtin_prefetch(next + i, 0, 2);
  }
  for (size_t at = kStride; at < page_size; at += kStride) {
    if (kPrefetch) {
      for (size_t i = 0; i < kStride; i += kCacheLine) __builtin_prefetch(next + at + i, 0, 2);
    }
    a = FoldInto<8 * kStride>(a, load(at));
    b = FoldInto<8 * kStride>(b, load(at + kVector));
    c = FoldInto<8 * kStride>(c, load(at + 2 * kVector));
    e = FoldInto<8 * kStride>(e, load(at + 3 * kVector));
  }
  b = FoldInto<8 * kVector>(a, b);
  c = FoldInto<8 * kVector>(b, c);
  e = FoldInto<8 * kVector>(c, e);

  const hn::Full128<uint64_t> block;
  HWY_ALIGN uint64_t words[hn::MaxLanes(D64())];
  hn::Store(e, d, words);
  Block sum = hn::Load(block, words);
  for (size_t i = 2; i < hn::MaxLanes(D64()); i += 2) {
    sum = FoldInto<128>(sum, hn::Load(block, words + i));
  }
  return sum;
}

FAKEDIRTY_ALIGNED void Crc32Pages(const HashParameters& parameters, const uint8_t* const* pages,
                                  size_t count, uint8_t* digests, const uint8_t*) {
  const size_t page_size = parameters.page_size;
  for (size_t i = 0; i < count; ++i, digests += 4) {
    const uint8_t* const prefetch =
        i + 1 < count ? parameters.PageToPrefetch(pages[i], pages[i + 1]) : nullptr;
    const Block sum = prefetch ? Remainder<true>(pages[i], page_size, prefetch)
                               : Remainder<false>(pages[i], page_size, nullptr);
    alignas(16) uint8_t bytes[16];
    hn::Store(sum, hn::Full128<uint64_t>(), reinterpret_cast<uint64_t*>(bytes));
    StoreBig(digests, ~Crc32Update(0, bytes, sizeof(bytes)));
  }
}

constexpr Kernel kCrc32 = {Crc32Pages, 1};

}  // namespace HWY_NAMESPACE
}  // namespace fakedirty
HWY_AFTER_NAMESPACE();
#endif  // FAKEDIRTY_VECTOR

#if HWY_ONCE
namespace fakedirty {
namespace {

void Crc32PagesPortable(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                        uint8_t* digests, const uint8_t*) {
  for (size_t i = 0; i < count; ++i, digests += 4) {
    StoreBig(digests, ~Crc32Update(0xFFFFFFFF, pages[i], parameters.page_size));
  }
}

}  // namespace

Kernel Crc32Kernel(Target target) {
  // Processors with AVX-512 but without its carry-less multiplication do it 128 bits at a time.
  if (target == Target::kAvx512) target = Target::kAvx2;
  constexpr Kernel kPortable = {Crc32PagesPortable, 1};
  FAKEDIRTY_SELECT(target, kCrc32, kPortable);
}

}  // namespace fakedirty
#endif  // HWY_ONCE
