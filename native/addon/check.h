// SPDX-License-Identifier: MIT
// Checking many pages, and committing them: what FingerprintTable does with the C ABI's batches.
#ifndef FAKEDIRTY_ADDON_CHECK_H_
#define FAKEDIRTY_ADDON_CHECK_H_

#include <stddef.h>
#include <stdint.h>

#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "addon/hasher.h"
#include "fakedirty.h"

namespace fakedirty_addon {

// Objects and work under way share it.
struct SharedTable {
  SharedTable(fakedirty_table* table, std::shared_ptr<const SharedHasher> hasher, bool verifies)
      : table(table), hasher(std::move(hasher)), verifies(verifies) {}
  ~SharedTable() { fakedirty_table_destroy(table); }
  SharedTable(const SharedTable&) = delete;
  SharedTable& operator=(const SharedTable&) = delete;

  fakedirty_table* const table;
  const std::shared_ptr<const SharedHasher> hasher;
  const bool verifies;
  // Read and written where JavaScript runs: a check in the background has the table for itself
  // (R6).
  bool busy = false;
};

// Memory that may be large: unlike a vector's, a failed allocation does not end the process.
class Allocation {
 public:
  bool Allocate(size_t bytes) {  // once
    bytes_.reset(new (std::nothrow) uint8_t[bytes]);
    size_ = bytes_ ? bytes : 0;
    return bytes_ != nullptr;
  }
  uint8_t* data() { return bytes_.get(); }
  const uint8_t* data() const { return bytes_.get(); }
  size_t size() const { return size_; }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  size_t size_ = 0;
};

// What was seen, and all that a later commit needs.
struct Seen {
  std::vector<uint64_t> index;
  std::vector<uint8_t> verdicts;
  std::vector<fakedirty_fingerprint> fingerprints;
  Allocation copies;  // of a verifying table: page behind page
};

// Checks the pages seen.index names, as many. Live ones are copied first (R1). With commit they
// are taken for sent at once, for those who only count: then only the verdicts are filled in.
int CheckPages(const SharedTable& table, const void* const* pages, bool live, bool commit,
               Seen* seen);

// Commits what was seen, where sent says so (null: everywhere) and unless it was unchanged.
int CommitChecked(const SharedTable& table, const Seen& seen, const uint8_t* sent);

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_CHECK_H_
