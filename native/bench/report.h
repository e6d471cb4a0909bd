// SPDX-License-Identifier: MIT
// What a run of the benchmark found: a table and ratios for people, JSON for programs.
#ifndef FAKEDIRTY_BENCH_REPORT_H_
#define FAKEDIRTY_BENCH_REPORT_H_

#include <map>
#include <string>
#include <vector>

namespace fakedirty_bench {

// Where the pages lie: in the second cache; in memory one behind the other; in memory, anywhere.
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
// False when a ratio asked for was not reached.
bool PrintGoals(const Run& run);
// False, with a message, when nothing can be written there: told before the work. Changes nothing.
bool CanWrite(const std::string& path);
// False, with a message, when the file could not be written; nothing half written is left.
bool WriteJson(const Run& run, const std::string& path);

}  // namespace fakedirty_bench

#endif  // FAKEDIRTY_BENCH_REPORT_H_
