// SPDX-License-Identifier: MIT
// The limits of the machine: how fast pages can be read and copied.
//
// Reads go strictly upwards, cache line by cache line, in the widest vectors. In any other order
// the processor prefetches worse, and "reading" would be slower than hashing.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/limits.cc"
#include "src/simd/vector.h"
// vector.h must come first.
#include <string.h>

#include "bench/rivals.h"

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

alignas(64) uint8_t hot_page[fakedirty_bench::kPageSize];

uint64_t CopyToHotPage(const uint8_t* const* pages, size_t count) {
  uint64_t sum = 0;
  for (size_t page = 0; page < count; ++page) {
    memcpy(hot_page, pages[page], sizeof(hot_page));
    sum += hot_page[page % sizeof(hot_page)];
  }
  return sum;
}

constexpr size_t kStagePages = 64;
alignas(64) uint8_t stage[kStagePages * fakedirty_bench::kPageSize];

uint64_t CopyToStage(const uint8_t* const* pages, size_t count) {
  uint64_t sum = 0;
  for (size_t page = 0; page < count; ++page) {
    uint8_t* const to = stage + page % kStagePages * fakedirty_bench::kPageSize;
    memcpy(to, pages[page], fakedirty_bench::kPageSize);
    sum += to[page % fakedirty_bench::kPageSize];
  }
  return sum;
}

}  // namespace

fakedirty_bench::Pass ReadPass(const char* target) { return ReadFor(FindTarget(target)->target); }
fakedirty_bench::Pass CopyPass() { return CopyToHotPage; }
fakedirty_bench::Pass CopyToStagePass() { return CopyToStage; }

}  // namespace fakedirty

namespace fakedirty_bench {

std::vector<Row> Limits(const std::string& target) {
  return {{"read", "limit", fakedirty::ReadPass(target.c_str())},
          {"copy-hot", "limit", fakedirty::CopyPass()},
          {"copy-stage", "limit", fakedirty::CopyToStagePass()}};
}

}  // namespace fakedirty_bench
#endif  // HWY_ONCE
