// SPDX-License-Identifier: MIT
// The library under the benchmark: digests in batches, and the whole filter step.
#ifndef FAKEDIRTY_BENCH_OURS_H_
#define FAKEDIRTY_BENCH_OURS_H_

#include <memory>
#include <string>
#include <vector>

#include "bench/rivals.h"
#include "include/fakedirty.h"

namespace fakedirty_bench {

constexpr size_t kBatch = 64;  // pages a call, like the stage in QEMU

class Digester {
 public:
  Digester(int algorithm, const std::string& target);
  uint64_t Pass(const uint8_t* const* pages, size_t count);
  const fakedirty_hasher* hasher() const { return hasher_.get(); }

 private:
  struct Destroy {
    void operator()(fakedirty_hasher* hasher) const { fakedirty_hasher_destroy(hasher); }
  };
  std::unique_ptr<fakedirty_hasher, Destroy> hasher_;
  size_t digest_bytes_;
};

// The whole filter step: copy to the stage, zero test, ph128, comparison.
class Filter {
 public:
  // Either the destination holds all pages already (all_fake), or all slots are unknown.
  Filter(const std::string& target, const std::vector<const uint8_t*>& pages, bool all_fake);
  uint64_t Pass(const uint8_t* const* pages, size_t count);

 private:
  struct Destroy {
    void operator()(fakedirty_table* table) const { fakedirty_table_destroy(table); }
  };
  std::unique_ptr<fakedirty_table, Destroy> table_;
  const uint8_t* lowest_;
  bool all_fake_;
};

// Ends the program with a message if an algorithm disagrees with its rivals on a page.
void CheckAgreement(const uint8_t* page, const std::string& target);

}  // namespace fakedirty_bench

#endif  // FAKEDIRTY_BENCH_OURS_H_
