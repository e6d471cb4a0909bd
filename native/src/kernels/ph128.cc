// SPDX-License-Identifier: MIT
// ph128: two carry-less polynomial hashes of a page under one secret key, shifted against itself.
//
// A page is n pairs of words (a, b). With key words k over GF(2)[x]:
//   H  = sum (a[i] + k[2i])   * (b[i] + k[2i+1])
//   H' = sum (a[i] + k[2i+2]) * (b[i] + k[2i+3])
// Each is then folded to 64 bits as hi * r + lo in GF(2^64). The proof of the collision bound is in
// docs/guides/libfakedirty.md, the slow reference in native/test/reference/.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/kernels/ph128.cc"
#include "src/simd/vector.h"
// vector.h must come first.
#include "src/kernels/kernel.h"
#include "src/kernels/ph128_key.h"
#include "src/simd/bytes.h"

#if FAKEDIRTY_VECTOR
#include "src/simd/clmul-inl.h"
#include "src/simd/pin-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// hi * r + lo in GF(2^64) modulo x^64 + x^4 + x^3 + x + 1.
HWY_INLINE uint64_t Fold(Block sum, uint64_t r) {
  const hn::Full128<uint64_t> d;
  const Block modulus = hn::Set(d, kGf64Modulus);
  const Block product = hn::CLMulUpper(sum, hn::Set(d, r));
  const Block once = hn::CLMulUpper(product, modulus);  // at most 68 bits
  const Block twice = hn::CLMulUpper(once, modulus);    // at most 8 bits
  return hn::GetLane(hn::Xor(hn::Xor(sum, product), hn::Xor(once, twice)));
}

struct Sums {
  V64 first, second;  // H and H', spread over the blocks
};

HWY_INLINE void AddProducts(V64 words, V64 pairs, V64 shifted, Sums* sums) {
  sums->first = hn::Xor(sums->first, MultiplyHalves(hn::Xor(words, pairs)));
  sums->second = hn::Xor(sums->second, MultiplyHalves(hn::Xor(words, shifted)));
}

HWY_INLINE void WriteDigest(const Sums& sums, const Ph128Key& key, uint8_t* digest) {
  StoreBig(digest, Fold(SumOfBlocks(sums.first), key.Fold(0)));
  StoreBig(digest + 8, Fold(SumOfBlocks(sums.second), key.Fold(1)));
}

// Both sums over a page. Meanwhile the next page is prefetched.
template <bool kPrefetch>
HWY_INLINE Sums SumPage(const uint8_t* page, const Ph128Key& key, size_t page_size,
                        const uint8_t* next) {
  const D64 d;
  Sums sums = {hn::Zero(d), hn::Zero(d)};
  for (size_t at = 0; at < page_size; at += kCacheLine) {
    if (kPrefetch) __builtin_prefetch(next + at);
    for (size_t i = 0; i < kCacheLine; i += kClmulBytes) {
      const auto load = [&](const uint8_t* from) HWY_ATTR {
        return hn::LoadU(d, reinterpret_cast<const uint64_t*>(from + at + i));
      };
      AddProducts(Pin(load(page)), load(key.pairs), load(key.shifted), &sums);
    }
  }
  return sums;
}

FAKEDIRTY_ALIGNED void Ph128Pages(const HashParameters& parameters, const uint8_t* const* pages,
                                  size_t count, uint8_t* digests, const uint8_t* next) {
  const size_t page_size = parameters.page_size;
  const Ph128Key key(parameters.key, page_size);
  for (size_t i = 0; i < count; ++i, digests += 16) {
    const bool last = i + 1 == count;
    const uint8_t* const prefetch = last ? next : parameters.PageToPrefetch(pages[i], pages[i + 1]);
    const Sums sums = prefetch ? SumPage<true>(pages[i], key, page_size, prefetch)
                               : SumPage<false>(pages[i], key, page_size, nullptr);
    WriteDigest(sums, key, digests);
  }
}

// In one reading of the page, as fast as memory delivers it: hashing the copy afterwards took half
// as long again. Meanwhile the next page is prefetched, also where processors prefetch across pages
// by themselves: beside the stores, they are late.
FAKEDIRTY_ALIGNED bool Ph128Copy(const HashParameters& parameters, const uint8_t* source,
                                 uint8_t* copy, uint8_t* digest, const uint8_t* next) {
  const size_t page_size = parameters.page_size;
  const Ph128Key key(parameters.key, page_size);
  const D64 d;
  Sums sums = {hn::Zero(d), hn::Zero(d)};
  V64 any = hn::Zero(d);
  if (!next) next = source;
  for (size_t at = 0; at < page_size; at += kCacheLine) {
    __builtin_prefetch(next + at);
    for (size_t i = 0; i < kCacheLine; i += kClmulBytes) {
      const auto load = [&](const uint8_t* from) HWY_ATTR {
        return hn::LoadU(d, reinterpret_cast<const uint64_t*>(from + at + i));
      };
      const V64 words = PinLoaded(load(source));
      hn::StoreU(words, d, reinterpret_cast<uint64_t*>(copy + at + i));
      any = hn::Or(any, words);
      AddProducts(words, load(key.pairs), load(key.shifted), &sums);
    }
  }
  WriteDigest(sums, key, digest);
  return hn::AllTrue(d, hn::Eq(any, hn::Zero(d)));
}

constexpr Kernel kPh128 = {Ph128Pages, 1, true, Ph128Copy};

}  // namespace HWY_NAMESPACE
}  // namespace fakedirty
HWY_AFTER_NAMESPACE();
#endif  // FAKEDIRTY_VECTOR

#if HWY_ONCE
namespace fakedirty {
namespace {

// Carry-less multiplication by ordinary ones: three of four bits are cleared, so that the carries
// of up to fifteen terms stay in the gaps. It uses no table and no branch, so that its time does
// not depend on the key.
uint64_t Multiply32(uint32_t a, uint32_t b) {
  constexpr uint64_t kEveryFourth = 0x1111111111111111;
  uint64_t sum = 0;
  for (int residue = 0; residue < 4; ++residue) {
    uint64_t terms = 0;
    for (int i = 0; i < 4; ++i) {
      const uint64_t from_a = a & (kEveryFourth << i),
                     from_b = b & (kEveryFourth << ((residue - i) & 3));
      terms ^= from_a * from_b;
    }
    sum |= terms & (kEveryFourth << residue);
  }
  return sum;
}

struct Product {
  uint64_t low, high;
};

// Karatsuba: three products of halves instead of four.
Product Multiply(uint64_t a, uint64_t b) {
  const uint32_t a0 = static_cast<uint32_t>(a), a1 = static_cast<uint32_t>(a >> 32);
  const uint32_t b0 = static_cast<uint32_t>(b), b1 = static_cast<uint32_t>(b >> 32);
  const uint64_t low = Multiply32(a0, b0), high = Multiply32(a1, b1);
  const uint64_t middle = Multiply32(a0 ^ a1, b0 ^ b1) ^ low ^ high;
  return {low ^ middle << 32, high ^ middle >> 32};
}

uint64_t FoldPortable(Product sum, uint64_t r) {
  const Product product = Multiply(sum.high, r);
  const Product once = Multiply(product.high, kGf64Modulus);
  const Product twice = Multiply(once.high, kGf64Modulus);
  return sum.low ^ product.low ^ once.low ^ twice.low;
}

void Ph128PagesPortable(const HashParameters& parameters, const uint8_t* const* pages, size_t count,
                        uint8_t* digests, const uint8_t*) {
  const Ph128Key key(parameters.key, parameters.page_size);
  for (size_t page = 0; page < count; ++page, digests += 16) {
    Product sums[2] = {};
    for (size_t i = 0; i < parameters.page_size; i += 16) {
      const uint64_t a = LoadLittle<uint64_t>(pages[page] + i);
      const uint64_t b = LoadLittle<uint64_t>(pages[page] + i + 8);
      const uint8_t* const keys[2] = {key.pairs + i, key.shifted + i};
      for (int half = 0; half < 2; ++half) {
        const Product term = Multiply(a ^ LoadLittle<uint64_t>(keys[half]),
                                      b ^ LoadLittle<uint64_t>(keys[half] + 8));
        sums[half].low ^= term.low;
        sums[half].high ^= term.high;
      }
    }
    StoreBig(digests, FoldPortable(sums[0], key.Fold(0)));
    StoreBig(digests + 8, FoldPortable(sums[1], key.Fold(1)));
  }
}

constexpr Kernel kPh128Portable = {Ph128PagesPortable, 1};

}  // namespace

Kernel Ph128Kernel(Target target) {
  // Processors with AVX-512 but without its carry-less multiplication do it 128 bits at a time.
  if (target == Target::kAvx512) target = Target::kAvx2;
  FAKEDIRTY_SELECT(target, kPh128, kPh128Portable);
}

}  // namespace fakedirty
#endif  // HWY_ONCE
