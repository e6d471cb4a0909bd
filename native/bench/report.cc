// SPDX-License-Identifier: MIT
// Reports a run of the benchmark: a table and ratios for people, JSON for programs.
#include "bench/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace fakedirty_bench {
namespace {

const char* const kPlaceNames[kPlaces] = {"cache", "memory", "scattered", "two threads"};
const char* const kJsonNames[kPlaces] = {"cacheGBps", "memoryGBps", "scatteredGBps",
                                         "twoThreadsCacheGBps"};

// What the library should reach in one run: ours / other >= min_ratio.
struct Goal {
  const char* ours;
  const char* other;
  double min_ratio;
};

constexpr Goal kGoals[] = {
    {"ph128", "read", 0.95},
    {"ph128", "xxhash-dispatched-xxh3-128", 1.1},
    {"md5", "openssl-md5", 12},
    {"sha1", "openssl-sha1", 3.5},
    {"sha256", "openssl-sha256", 2.6},
    {"murmur3-32", "plain-murmur3-32", 4},
    {"murmur3-128", "plain-murmur3-128", 2},
    {"crc32", "read", 0.95},
    {"xxh3-128", "xxhash-dispatched-xxh3-128", 0.98},
    {"xxh3-64", "xxhash-dispatched-xxh3-64", 0.98},
};
// How much longer the whole filter step may take than a plain copy of the page to the same place:
// one page if its place is free again at once, or a stage of 64 pages.
struct FilterGoal {
  const char* filter;
  const char* copy;
};
constexpr FilterGoal kFilterGoals[] = {{"filter-all-fake", "copy-hot"},
                                       {"filter-all-new", "copy-stage"}};
constexpr double kMaxFilterTime = 1.45;

constexpr double kTwoThreadsGoal = 1.8;

const Result* Find(const Run& run, const std::string& name) {
  for (const Result& result : run.results) {
    if (result.name == name) return &result;
  }
  return nullptr;
}

// The ratio of two rows in one place; 0 if one of them was not measured.
double Ratio(const Run& run, const char* ours, const char* other, Place place) {
  const Result* const a = Find(run, ours);
  const Result* const b = Find(run, other);
  return a && b && b->Best(place) > 0 ? a->Best(place) / b->Best(place) : 0;
}

// For a page.
double Nanoseconds(const Run& run, const char* name, Place place) {
  return static_cast<double>(run.page_size) / Find(run, name)->Best(place);
}

const char* Verdict(double ratio, double min_ratio) {
  if (ratio == 0) return "not measured";
  return ratio >= min_ratio ? "reached" : "NOT reached";
}

// False if a goal was not reached.
bool PrintFilterGoals(const Run& run) {
  bool all = true;
  printf("\n%-46s %6s  %-25s  %s\n", "ns a page, filter / copy alone", "goal", "memory",
         "scattered");
  for (const FilterGoal& goal : kFilterGoals) {
    printf("%-46s %6.2f", (std::string(goal.filter) + " / " + goal.copy).c_str(), kMaxFilterTime);
    for (const Place place : {kMemory, kScattered}) {
      const double copy_per_filter = Ratio(run, goal.filter, goal.copy, place);
      if (copy_per_filter == 0) {
        printf("  not measured");
      } else {
        printf("  %4.0f / %3.0f = %.2f %s", Nanoseconds(run, goal.filter, place),
               Nanoseconds(run, goal.copy, place), 1 / copy_per_filter,
               Verdict(copy_per_filter, 1 / kMaxFilterTime));
      }
      all = all && copy_per_filter >= 1 / kMaxFilterTime;
    }
    printf("\n");
  }
  return all;
}

// Writes a temporary file and renames it, so that nobody reads a partly written one. A device or a
// pipe is written directly: a rename would replace it.
class Output {
 public:
  explicit Output(const std::string& path) : path_(path), part_(path) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) part_ += ".part";
    file_ = fopen(part_.c_str(), "w");
  }
  ~Output() {
    if (file_) fclose(file_);
    if (!done_ && part_ != path_) unlink(part_.c_str());
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  FILE* file() const { return file_; }
  bool Finish() {
    const bool written = !ferror(file_) && fflush(file_) == 0;
    const bool closed = fclose(std::exchange(file_, nullptr)) == 0;
    done_ = written && closed && (part_ == path_ || rename(part_.c_str(), path_.c_str()) == 0);
    return done_;
  }

 private:
  const std::string path_;
  std::string part_;
  FILE* file_;
  bool done_ = false;
};

bool Failed(const std::string& path, const char* what) {
  fprintf(stderr, "fakedirty-bench: --json %s: %s: %s\n", path.c_str(), what, strerror(errno));
  return false;
}

}  // namespace

double Result::Best(Place place) const {
  return gbps[place].empty() ? 0 : *std::max_element(gbps[place].begin(), gbps[place].end());
}

double Result::Spread(Place place) const {
  if (gbps[place].empty()) return 0;
  std::vector<double> sorted = gbps[place];
  std::sort(sorted.begin(), sorted.end());
  return 1 - sorted[sorted.size() / 2] / sorted.back();
}

void PrintTables(const Run& run) {
  printf("\nGB/s of %zu-byte pages, best of %d (in brackets: how far the median lies below it)\n",
         run.page_size, run.repetitions);
  printf("%s, %u processors, %s\n\n", run.processor.c_str(), run.processors, run.target.c_str());
  printf("%-28s", "");
  for (const char* place : kPlaceNames) printf("%16s", place);
  std::string kind;
  for (const Result& result : run.results) {
    if (result.kind != kind) printf("\n%s\n", (kind = result.kind).c_str());
    printf("  %-26s", result.name.c_str());
    for (int place = 0; place < kPlaces; ++place) {
      const double best = result.Best(static_cast<Place>(place));
      if (best == 0) {
        printf("%16s", "-");
      } else {
        printf("%9.2f (%3.0f%%)", best, 100 * result.Spread(static_cast<Place>(place)));
      }
    }
    printf("\n");
  }
}

bool PrintGoals(const Run& run) {
  bool all = true;
  printf("\n%-46s %6s %8s %8s %10s\n", "ratio, in this run", "goal", "cache", "memory",
         "scattered");
  for (const Goal& goal : kGoals) {
    double ratios[3];
    for (int place = 0; place < 3; ++place) {
      ratios[place] = Ratio(run, goal.ours, goal.other, static_cast<Place>(place));
    }
    const std::string pair = std::string(goal.ours) + " / " + goal.other;
    printf("%-46s %6.2f %8.2f %8.2f %10.2f  memory: %s, scattered: %s\n", pair.c_str(),
           goal.min_ratio, ratios[kCache], ratios[kMemory], ratios[kScattered],
           Verdict(ratios[kMemory], goal.min_ratio), Verdict(ratios[kScattered], goal.min_ratio));
    all = all && ratios[kMemory] >= goal.min_ratio && ratios[kScattered] >= goal.min_ratio;
  }
  all = PrintFilterGoals(run) && all;
  printf("\n%-46s %6s %8s\n", "two threads / one, from cache", "goal", "ratio");
  for (const Result& result : run.results) {
    if (result.Best(kTwoThreads) == 0) continue;
    const double ratio = result.Best(kTwoThreads) / result.Best(kCache);
    printf("%-46s %6.2f %8.2f  %s\n", result.name.c_str(), kTwoThreadsGoal, ratio,
           Verdict(ratio, kTwoThreadsGoal));
    all = all && ratio >= kTwoThreadsGoal;
  }
  return all;
}

bool CanWrite(const std::string& path) {
  return Output(path).file() || Failed(path, "can't write there");
}

bool WriteJson(const Run& run, const std::string& path) {
  Output output(path);
  FILE* const file = output.file();
  if (!file) return Failed(path, "can't write there");
  fprintf(file, "{\n  \"target\": \"%s\",\n  \"processor\": \"%s\",\n  \"processors\": %u,\n",
          run.target.c_str(), run.processor.c_str(), run.processors);
  fprintf(file, "  \"pageSizeBytes\": %zu,\n  \"repetitions\": %d,\n  \"rows\": [", run.page_size,
          run.repetitions);
  const char* separator = "\n";
  for (const Result& result : run.results) {
    fprintf(file, "%s    {\"name\": \"%s\", \"kind\": \"%s\"", separator, result.name.c_str(),
            result.kind.c_str());
    for (int place = 0; place < kPlaces; ++place) {
      const double best = result.Best(static_cast<Place>(place));
      if (best > 0) fprintf(file, ", \"%s\": %.3f", kJsonNames[place], best);
    }
    fprintf(file, ", \"spread\": %.3f}", result.Spread(kMemory));
    separator = ",\n";
  }
  fprintf(file, "\n  ]\n}\n");
  return output.Finish() || Failed(path, "writing failed");
}

}  // namespace fakedirty_bench
