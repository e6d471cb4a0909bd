// SPDX-License-Identifier: MIT
// The filter's calls with vectors as arguments. They must succeed.
#ifndef FAKEDIRTY_TEST_FILTER_CALLS_H_
#define FAKEDIRTY_TEST_FILTER_CALLS_H_

#include <vector>

#include "handles.h"

namespace fakedirty_test {

using Indexes = std::vector<uint64_t>;
using Pages = std::vector<const void*>;
using Fingerprints = std::vector<fakedirty_fingerprint>;

struct Seen {
  explicit Seen(size_t count) : verdicts(count, 0xEE), fingerprints(count) {}
  std::vector<uint8_t> verdicts;
  Fingerprints fingerprints;
};

inline Seen Check(const Table& table, const Indexes& index, const Pages& pages) {
  Seen seen(index.size());
  EXPECT_EQ(fakedirty_check(table.get(), index.data(), pages.data(), index.size(),
                            seen.verdicts.data(), seen.fingerprints.data()),
            FAKEDIRTY_OK);
  return seen;
}

struct Staged : Seen {
  Staged(size_t count, size_t page_size)
      : Seen(count), stage(count * page_size), copies(count, this) {}
  std::vector<uint8_t> stage;
  Pages copies;
};

inline Staged Classify(const Table& table, size_t page_size, const Indexes& index,
                       const Pages& sources) {
  Staged staged(index.size(), page_size);
  EXPECT_EQ(fakedirty_classify(table.get(), index.data(), sources.data(), index.size(),
                               staged.stage.data(), staged.stage.size(), staged.copies.data(),
                               staged.verdicts.data(), staged.fingerprints.data()),
            FAKEDIRTY_OK);
  return staged;
}

inline void Commit(const Table& table, const Indexes& index, const Pages& pages,
                   const Fingerprints& fingerprints) {
  EXPECT_EQ(
      fakedirty_commit(table.get(), index.data(), pages.data(), fingerprints.data(), index.size()),
      FAKEDIRTY_OK);
}

// The verdict on one page.
inline int VerdictOn(const Table& table, uint64_t index, const void* page) {
  return Check(table, {index}, {page}).verdicts[0];
}

// Looks at pages and commits them.
inline void Send(const Table& table, const Indexes& index, const Pages& pages) {
  Commit(table, index, pages, Check(table, index, pages).fingerprints);
}

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_FILTER_CALLS_H_
