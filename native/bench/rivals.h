// SPDX-License-Identifier: MIT
// What the algorithms are compared with: other implementations, and the limits of the machine.
#ifndef FAKEDIRTY_BENCH_RIVALS_H_
#define FAKEDIRTY_BENCH_RIVALS_H_

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

namespace fakedirty_bench {

constexpr size_t kPageSize = 4096;

// Processes the pages once, in order. The result depends on each of them, so that the compiler
// can't omit any.
using Pass = uint64_t (*)(const uint8_t* const* pages, size_t count);

struct Row {
  std::string name;
  std::string kind;  // "limit" or "rival"
  Pass pass;
  double share = 1;  // of the pages that counts as processed
};

std::vector<Row> Limits(const std::string& target);
std::vector<Row> Rivals();

uint32_t PlainMurmur3_32(const uint8_t* bytes, size_t length, uint32_t seed);
void PlainMurmur3_128(const uint8_t* bytes, size_t length, uint32_t seed, uint64_t (&hash)[2]);

}  // namespace fakedirty_bench

#endif  // FAKEDIRTY_BENCH_RIVALS_H_
