// SPDX-License-Identifier: MIT
// The limits of the machine: how fast pages can be read and copied.
//
// Reads go strictly upwards, cache line by cache line, in the widest vectors. In any other order
// the processor prefetches worse, and "reading" would be slower than hashing. Copies do the same:
// glibc's memcpy of a page takes half as long again from memory (2.36, on Zen 5).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/limits.cc"
#include "src/simd/vector.h"
// vector.h must come first.
#include <string.h>

#include "bench/rivals.h"

#ifndef FAKEDIRTY_BENCH_LIMITS_STAGE
#define FAKEDIRTY_BENCH_LIMITS_STAGE
namespace fakedirty {

constexpr size_t kStagePages = 64;  // as in QEMU
alignas(64) static uint8_t stage[kStagePages * fakedirty_bench::kPageSize];

}  // namespace fakedirty
#endif

#if FAKEDIRTY_VECTOR
HWY_BEFORE_NAMESPACE();
namespace fakedirty {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

uint64_t Read(const uint8_t* const* pages, size_t count) {
  const hn::ScalableTag<uint64_t> d;
  auto any = hn::Zero(d);
  for (size_t page = 0; page < count; ++page) {
    for (size_t at = 0; at < fakedirty_bench::kPageSize; at += HWY_MAX_BYTES) {
      any = hn::Or(any, hn::LoadU(d, reinterpret_cast<const uint64_t*>(pages[page] + at)));
    }
  }
  return hn::GetLane(any);
}

HWY_INLINE void CopyOne(const uint8_t* page, uint8_t* to) {
  const hn::ScalableTag<uint64_t> d;
  for (size_t at = 0; at < fakedirty_bench::kPageSize; at += HWY_MAX_BYTES) {
    hn::StoreU(hn::LoadU(d, reinterpret_cast<const uint64_t*>(page + at)), d,
               reinterpret_cast<uint64_t*>(to + at));
  }
}

// Into one page after another of the stage; pages_of_stage is a power of two.
HWY_INLINE uint64_t CopyTo(uint8_t* stage, size_t pages_of_stage, const uint8_t* const* pages,
                           size_t count) {
  uint64_t sum = 0;
  for (size_t page = 0; page < count; ++page) {
    uint8_t* const to = stage + (page & (pages_of_stage - 1)) * fakedirty_bench::kPageSize;
    CopyOne(pages[page], to);
    sum += to[page % fakedirty_bench::kPageSize];
  }
  return sum;
}

uint64_t CopyToHotPage(const uint8_t* const* pages, size_t count) {
  return CopyTo(stage, 1, pages, count);
}
uint64_t CopyToStage(const uint8_t* const* pages, size_t count) {
  return CopyTo(stage, kStagePages, pages, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace fakedirty
HWY_AFTER_NAMESPACE();
#endif  // FAKEDIRTY_VECTOR

#if HWY_ONCE
namespace fakedirty {
namespace {

uint64_t ReadPortable(const uint8_t* const* pages, size_t count) {
  uint64_t any = 0;
  for (size_t page = 0; page < count; ++page) {
    for (size_t at = 0; at < fakedirty_bench::kPageSize; at += 8) {
      uint64_t word;
      memcpy(&word, pages[page] + at, sizeof(word));
      any |= word;
    }
  }
  return any;
}

fakedirty_bench::Pass ReadFor(Target target) { FAKEDIRTY_SELECT(target, Read, ReadPortable); }

template <size_t kPages>
uint64_t CopyPortable(const uint8_t* const* pages, size_t count) {
  uint64_t sum = 0;
  for (size_t page = 0; page < count; ++page) {
    uint8_t* const to = stage + page % kPages * fakedirty_bench::kPageSize;
    memcpy(to, pages[page], fakedirty_bench::kPageSize);
    sum += to[page % fakedirty_bench::kPageSize];
  }
  return sum;
}

fakedirty_bench::Pass HotPageFor(Target target) {
  FAKEDIRTY_SELECT(target, CopyToHotPage, CopyPortable<1>);
}
fakedirty_bench::Pass StageFor(Target target) {
  FAKEDIRTY_SELECT(target, CopyToStage, CopyPortable<kStagePages>);
}

}  // namespace

std::vector<fakedirty_bench::Row> LimitsOf(Target target) {
  return {{"read", "limit", ReadFor(target)},
          {"copy-hot", "limit", HotPageFor(target)},
          {"copy-stage", "limit", StageFor(target)}};
}

}  // namespace fakedirty

namespace fakedirty_bench {

std::vector<Row> Limits(const std::string& target) {
  return fakedirty::LimitsOf(fakedirty::FindTarget(target.c_str())->target);
}

}  // namespace fakedirty_bench
#endif  // HWY_ONCE
