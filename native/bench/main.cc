// SPDX-License-Identifier: MIT
// fakedirty-bench: measures every algorithm, its rivals and the machine's limits in one run.
#include <benchmark/benchmark.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "bench/ours.h"
#include "bench/report.h"
#include "bench/rivals.h"

namespace fakedirty_bench {
namespace {

using PageList = std::vector<const uint8_t*>;
using AnyPass = std::function<uint64_t(const uint8_t* const*, size_t)>;

// 512 KiB: larger than a first-level cache, smaller than a second-level one.
constexpr size_t kCachePages = 128;
// 16 MiB per iteration. The next iteration continues where it ended.
constexpr size_t kWindowPages = 4096;

struct Arguments {
  bool quick = false;
  bool check = false;
  std::string json;
  std::string target;
  std::string only;
  size_t memory_mib = 1024;
};

const char kUsage[] =
    "usage: fakedirty-bench [options]\n"
    "  --quick          fewer repetitions: under a minute\n"
    "  --json FILE      write the results to FILE as well\n"
    "  --target NAME    an instruction set (or FAKEDIRTY_TARGET in the environment); default: "
    "best\n"
    "  --only TEXT      only rows whose name contains TEXT (goals need both rows of a ratio)\n"
    "  --memory MIB     memory for the memory-resident runs; default 1024, at least 64\n"
    "  --check          exit with 3 when a goal is not reached\n";

[[noreturn]] void Stop(const std::string& why) {
  fprintf(stderr, "fakedirty-bench: %s\n%s", why.c_str(), kUsage);
  exit(2);
}

Arguments Parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= argc) Stop(option + " needs a value");
      return argv[++i];
    };
    if (option == "--quick") {
      arguments.quick = true;
    } else if (option == "--check") {
      arguments.check = true;
    } else if (option == "--json") {
      arguments.json = value();
    } else if (option == "--target") {
      arguments.target = value();
    } else if (option == "--only") {
      arguments.only = value();
    } else if (option == "--memory") {
      const std::string text = value();
      char* end = nullptr;
      arguments.memory_mib = strtoul(text.c_str(), &end, 10);
      if (*end || arguments.memory_mib < 64 || arguments.memory_mib > 1u << 20) {
        Stop("--memory " + text + ": expected a number of MiB, at least 64");
      }
    } else if (option == "--help") {
      printf("%s", kUsage);
      exit(0);
    } else {
      Stop("unknown option " + option);
    }
  }
  return arguments;
}

std::string ChooseTarget(const std::string& asked_for) {
  const char* const environment = getenv("FAKEDIRTY_TARGET");
  const std::string wanted =
      asked_for.empty() && environment ? std::string(environment) : asked_for;
  std::string known;
  for (size_t i = 0; const char* name = fakedirty_target_name(i); ++i) {
    if (wanted.empty() || wanted == name) return name;
    known += std::string(known.empty() ? "" : ", ") + name;
  }
  Stop("target " + wanted + ": this machine has " + known);
}

std::string Processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

// Memory like a guest's, in huge pages if there are any. All pages hold the same bytes.
PageList MakePages(size_t bytes) {
  void* const memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    Stop("no memory for " + std::to_string(bytes >> 20) + " MiB of pages; use --memory");
  }
  madvise(memory, bytes, MADV_HUGEPAGE);
  std::mt19937_64 random(1);
  uint64_t content[kPageSize / 8];
  for (uint64_t& word : content) word = random();
  PageList pages;
  for (size_t at = 0; at < bytes; at += kPageSize) {
    uint8_t* const page = static_cast<uint8_t*>(memory) + at;
    memcpy(page, content, kPageSize);
    pages.push_back(page);
  }
  return pages;
}

// The measurement of a row in one place.
class Measurement {
 public:
  Measurement(Result& result, Place place, AnyPass pass, double share, const PageList& pages)
      : result_(result), place_(place), pass_(std::move(pass)), share_(share), pages_(pages) {}

  std::string Name() const { return result_.name + "/" + std::to_string(place_); }

  // Each thread has its own share of the pages.
  void Measure(benchmark::State& state) {
    const size_t share = pages_.size() / state.threads();
    const uint8_t* const* const pages = pages_.data() + share * state.thread_index();
    const size_t window = std::min(kWindowPages, share);
    size_t at = 0;
    for (auto _ : state) {
      benchmark::DoNotOptimize(pass_(pages + at, window));
      at = at + 2 * window <= share ? at + window : 0;
    }
    // The processor time of threads is added up. Together they are as much faster as there are.
    state.SetBytesProcessed(
        static_cast<int64_t>(state.iterations() * window * kPageSize * share_ * state.threads()));
  }

  void Record(double bytes_per_second) { result_.gbps[place_].push_back(bytes_per_second / 1e9); }
  Place place() const { return place_; }

 private:
  Result& result_;
  Place place_;
  AnyPass pass_;
  double share_;
  const PageList& pages_;
};

class Collector : public benchmark::BenchmarkReporter {
 public:
  explicit Collector(const std::vector<std::unique_ptr<Measurement>>& measurements) {
    for (const auto& measurement : measurements)
      measurements_[measurement->Name()] = measurement.get();
  }

  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      measurements_.at(run.run_name.function_name)->Record(run.counters.at("bytes_per_second"));
    }
    ++done_;
    if (!isatty(STDERR_FILENO)) return;
    fprintf(stderr, "\r%3zu of %zu measured%s", done_, measurements_.size(),
            done_ == measurements_.size() ? "\n" : "");
  }

 private:
  std::map<std::string, Measurement*> measurements_;
  size_t done_ = 0;
};

struct Pages {
  PageList memory, cache, two_caches, scattered;
};

Pages LayOut(size_t mib) {
  Pages pages;
  pages.memory = MakePages(mib << 20);
  pages.cache.assign(pages.memory.begin(), pages.memory.begin() + kCachePages);
  pages.two_caches.assign(pages.memory.begin(), pages.memory.begin() + 2 * kCachePages);
  pages.scattered = pages.memory;
  std::shuffle(pages.scattered.begin(), pages.scattered.end(), std::mt19937_64(2));
  return pages;
}

// All rows, in the order in which they are shown, and a measurement of each in each place.
class Suite {
 public:
  Suite(const Arguments& arguments, const std::string& target)
      : only_(arguments.only), pages_(LayOut(arguments.memory_mib)) {
    CheckAgreement(pages_.memory[0], target);
    results_.reserve(64);  // measurements point into it
    for (const Row& row : Limits(target)) Add(row.name, row.kind, row.pass, row.share);
    for (int algorithm = 0; fakedirty_algorithm_info(algorithm); ++algorithm) {
      const auto digester = std::make_shared<Digester>(algorithm, target);
      Add(fakedirty_algorithm_info(algorithm)->name, "ours",
          [digester](const uint8_t* const* pages, size_t count) {
            return digester->Pass(pages, count);
          });
    }
    for (const bool all_fake : {true, false}) {
      const auto filter = std::make_shared<Filter>(target, pages_.memory, all_fake);
      Add(all_fake ? "filter-all-fake" : "filter-all-new", "ours",
          [filter](const uint8_t* const* pages, size_t count) {
            return filter->Pass(pages, count);
          });
    }
    for (const Row& row : Rivals()) Add(row.name, row.kind, row.pass, row.share);
  }

  std::vector<Result> Measure(int repetitions, double seconds) {
    for (const auto& measurement : measurements_) {
      benchmark::internal::Benchmark* const one = benchmark::RegisterBenchmark(
          measurement->Name().c_str(),
          [&measurement](benchmark::State& state) { measurement->Measure(state); });
      // In processor time of the thread: others on the machine disturb it less than the wall's.
      one->Repetitions(repetitions)->MinTime(seconds);
      if (measurement->place() == kTwoThreads) one->Threads(2);
    }
    // Rows are interleaved, so that a noisy moment affects all of them.
    std::vector<std::string> flags = {"fakedirty-bench",
                                      "--benchmark_enable_random_interleaving=true"};
    std::vector<char*> argv;
    for (std::string& flag : flags) argv.push_back(flag.data());
    int argc = static_cast<int>(argv.size());
    benchmark::Initialize(&argc, argv.data());
    Collector collector(measurements_);
    benchmark::RunSpecifiedBenchmarks(&collector);
    return results_;
  }

  bool empty() const { return results_.empty(); }

 private:
  void Add(const std::string& name, const std::string& kind, const AnyPass& pass,
           double share = 1) {
    if (name.find(only_) == std::string::npos) return;
    Result& result = results_.emplace_back();
    result.name = name;
    result.kind = kind;
    const auto read = [&](Place place, const PageList& pages) {
      measurements_.push_back(std::make_unique<Measurement>(result, place, pass, share, pages));
    };
    read(kCache, pages_.cache);
    read(kMemory, pages_.memory);
    read(kScattered, pages_.scattered);
    const bool algorithm = fakedirty_algorithm_find(name.c_str()) >= 0;
    if (algorithm && std::thread::hardware_concurrency() > 1) read(kTwoThreads, pages_.two_caches);
  }

  std::string only_;
  Pages pages_;
  std::vector<Result> results_;
  std::vector<std::unique_ptr<Measurement>> measurements_;
};

int Main(const Arguments& arguments) {
  Run run;
  run.target = ChooseTarget(arguments.target);
  run.processor = Processor();
  run.processors = std::thread::hardware_concurrency();
  run.page_size = kPageSize;
  run.repetitions = arguments.quick ? 3 : 9;
  if (!arguments.json.empty() && !CanWrite(arguments.json)) return 1;  // before the work
  printf("fakedirty-bench %s: %zu MiB of pages, %d repetitions%s\n", fakedirty_version(),
         arguments.memory_mib, run.repetitions, arguments.quick ? " (quick)" : "");
  fflush(stdout);
  Suite suite(arguments, run.target);
  if (suite.empty()) Stop("--only " + arguments.only + ": no row has that in its name");
  run.results = suite.Measure(run.repetitions, arguments.quick ? 0.02 : 0.05);
  PrintTables(run);
  const bool reached = PrintGoals(run);
  if (!arguments.json.empty() && !WriteJson(run, arguments.json)) return 1;
  return arguments.check && !reached ? 3 : 0;
}

}  // namespace
}  // namespace fakedirty_bench

int main(int argc, char** argv) {
  return fakedirty_bench::Main(fakedirty_bench::Parse(argc, argv));
}
