// SPDX-License-Identifier: MIT
#include "addon/check.h"

#include <string.h>

#include <algorithm>

namespace fakedirty_addon {
namespace {

constexpr size_t kBatch = 64;  // pages: their copies stay in the second cache

// Some of the pages, as the C ABI takes them.
struct Batch {
  const uint64_t* index;
  size_t count;
  const void* const* pages;    // as given
  const void* copies[kBatch];  // where their private bytes are; null where unchanged
  uint8_t* verdicts;
  fakedirty_fingerprint* fingerprints;
};

int CheckBatch(const SharedTable& table, bool live, std::vector<uint8_t>* stage, Batch* batch) {
  if (!live) {
    std::copy(batch->pages, batch->pages + batch->count, batch->copies);
    return fakedirty_check(table.table, batch->index, batch->pages, batch->count, batch->verdicts,
                           batch->fingerprints);
  }
  stage->resize(kBatch * table.hasher->page_size);
  return fakedirty_classify(table.table, batch->index, batch->pages, batch->count, stage->data(),
                            stage->size(), batch->copies, batch->verdicts, batch->fingerprints);
}

// Commits those pages of a batch that changed and for which chosen(i) holds.
template <class Chosen>
int CommitBatch(const SharedTable& table, const Batch& batch, Chosen chosen) {
  for (size_t i = 0; i < batch.count;) {
    const auto sent = [&](size_t at) {
      return at < batch.count && batch.verdicts[at] != FAKEDIRTY_UNCHANGED && chosen(at);
    };
    size_t end = i;
    while (sent(end)) ++end;
    if (end > i) {
      const int status = fakedirty_commit(table.table, batch.index + i, batch.copies + i,
                                          batch.fingerprints + i, end - i);
      if (status != FAKEDIRTY_OK) return status;
    }
    i = end + 1;
  }
  return FAKEDIRTY_OK;
}

// Calls use(batch, position) for one batch after another.
template <class Use>
int ForBatches(const void* const* pages, Seen* seen, Use use) {
  const size_t count = seen->index.size();
  for (size_t at = 0; at < count; at += kBatch) {
    Batch batch = {};
    batch.index = seen->index.data() + at;
    batch.count = std::min(kBatch, count - at);
    batch.pages = pages + at;
    batch.verdicts = seen->verdicts.data() + at;
    const int status = use(&batch, at);
    if (status != FAKEDIRTY_OK) return status;
  }
  return FAKEDIRTY_OK;
}

}  // namespace

int CheckPages(const SharedTable& table, const void* const* pages, bool live, bool commit,
               Seen* seen) {
  const size_t page_size = table.hasher->page_size, count = seen->index.size();
  const bool keeps_copies = table.verifies && !commit;
  if (keeps_copies && !seen->copies.Allocate(count * page_size)) return FAKEDIRTY_ERROR_NO_MEMORY;
  seen->verdicts.resize(count);
  if (!commit) seen->fingerprints.resize(count);
  std::vector<uint8_t> stage;
  fakedirty_fingerprint passing[kBatch];
  return ForBatches(pages, seen, [&](Batch* batch, size_t at) {
    batch->fingerprints = commit ? passing : seen->fingerprints.data() + at;
    const int status = CheckBatch(table, live, &stage, batch);
    if (status != FAKEDIRTY_OK) return status;
    if (commit) return CommitBatch(table, *batch, [](size_t) { return true; });
    for (size_t i = 0; keeps_copies && i < batch->count; ++i) {
      if (batch->verdicts[i] == FAKEDIRTY_UNCHANGED) continue;
      memcpy(seen->copies.data() + (at + i) * page_size, batch->copies[i], page_size);
    }
    return status;
  });
}

int CommitChecked(const SharedTable& table, const Seen& seen, const uint8_t* sent) {
  const size_t page_size = table.hasher->page_size, count = seen.index.size();
  for (size_t at = 0; at < count; at += kBatch) {
    Batch batch = {};
    batch.index = seen.index.data() + at;
    batch.count = std::min(kBatch, count - at);
    // Read, and not written, by a commit.
    batch.verdicts = const_cast<uint8_t*>(seen.verdicts.data() + at);
    batch.fingerprints = const_cast<fakedirty_fingerprint*>(seen.fingerprints.data() + at);
    for (size_t i = 0; table.verifies && i < batch.count; ++i) {
      batch.copies[i] = seen.copies.data() + (at + i) * page_size;
    }
    const int status =
        CommitBatch(table, batch, [&](size_t i) { return !sent || sent[at + i] != 0; });
    if (status != FAKEDIRTY_OK) return status;
  }
  return FAKEDIRTY_OK;
}

}  // namespace fakedirty_addon
