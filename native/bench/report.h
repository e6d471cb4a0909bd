// SPDX-License-Identifier: MIT
// Reports a run of the benchmark: a table and ratios for people, JSON for programs.
#ifndef FAKEDIRTY_BENCH_REPORT_H_
#define FAKEDIRTY_BENCH_REPORT_H_

#include <map>
#include <string>
#include <vector>

namespace fakedirty_bench {

// Where the pages are: in the second-level cache; consecutive in memory; scattered in memory.
enum Place { kCache, kMemory, kScattered, kTwoThreads, kPlaces };

struct Result {
  std::string name;
  std::string kind;                        // "ours", "rival" or "limit"
  std::vector<double> gbps[kPlaces] = {};  // one a repetition
  double Best(Place place) const;          // 0 when it was not measured
  double Spread(Place place) const;        // (best - median) / best
};

struct Run {
  std::string target;
  std::string processor;
  unsigned processors;
  size_t page_size;
  int repetitions;
  std::vector<Result> results;  // in the order in which they are shown
};

void PrintTables(const Run& run);
// False if a goal was not reached.
bool PrintGoals(const Run& run);
// False, with a message, if the file can't be written. Call it before the work; it changes nothing.
bool CanWrite(const std::string& path);
// False, with a message, if writing failed; then no partly written file is left.
bool WriteJson(const Run& run, const std::string& path);

}  // namespace fakedirty_bench

#endif  // FAKEDIRTY_BENCH_REPORT_H_
