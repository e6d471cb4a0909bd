// SPDX-License-Identifier: MIT
// The filter: look at pages, say what they are; commit what was sent.
//
// Rule R1 lives here. A page is copied once, and the zero test, the fingerprint, the comparison and
// the caller's send all use that copy. Looking never writes the table; committing never reads
// guest memory.
#include <string.h>
#include <time.h>

#include "src/core/broken.h"
#include "src/core/table.h"
#include "src/simd/bytes.h"

namespace fakedirty {
namespace {

void SetZeroFingerprint(size_t digest_bytes, fakedirty_fingerprint* fingerprint) {
  memset(fingerprint->bytes, 0, sizeof(fingerprint->bytes));
  fingerprint->bytes[digest_bytes - 1] = 1;
}

void SetFingerprint(const uint8_t* digest, size_t digest_bytes,
                    fakedirty_fingerprint* fingerprint) {
  memset(fingerprint->bytes, 0, sizeof(fingerprint->bytes));
  CopyBytes(fingerprint->bytes, digest, digest_bytes);
  if (broken::kFingerprintBits) {
    constexpr size_t kKept = broken::kFingerprintBits / 8;
    memset(fingerprint->bytes + kKept, 0, digest_bytes - kKept);
  }
  // The reserved values move aside, onto two others: this doubles the chance of a collision.
  if (IsUnknown(fingerprint->bytes, digest_bytes) || SaysZero(fingerprint->bytes, digest_bytes)) {
    fingerprint->bytes[0] ^= 0x80;
  }
}

uint8_t Judge(const fakedirty_table& table, uint64_t index, const uint8_t* page, bool is_zero,
              const fakedirty_fingerprint& fingerprint) {
  const uint8_t* const slot = table.written.Has(index) ? table.slot(index) : kUnknown;
  const size_t bytes = table.slot_bytes();
  if (SameBytes(slot, fingerprint.bytes, bytes)) {
    const bool verified =
        !table.verifies() || memcmp(table.copy(index), page, table.hasher->page_size()) == 0;
    if (verified) return FAKEDIRTY_UNCHANGED;
  }
  if (is_zero) return FAKEDIRTY_ZERO;
  return IsUnknown(slot, bytes) ? FAKEDIRTY_FIRST : FAKEDIRTY_CHANGED;
}

// Pages that nobody writes any more: used where they lie.
class PrivatePages {
 public:
  static constexpr bool kCopied = false;

  explicit PrivatePages(const void* const* pages) : pages_(pages) {}
  const uint8_t* Take(size_t i) { return Source(i); }
  const uint8_t* Source(size_t i) const { return static_cast<const uint8_t*>(pages_[i]); }
  void GiveBack(size_t) {}
  void CopyAgain(size_t) {}

 private:
  const void* const* pages_;
};

// Guest pages: copied into the stage. The room of an unchanged page goes to a later one, which
// finds it in the first cache.
class StagedPages {
 public:
  static constexpr bool kCopied = true;

  StagedPages(const void* const* sources, size_t page_size, void* stage, const void** copies)
      : sources_(sources),
        page_size_(page_size),
        unused_(static_cast<uint8_t*>(stage)),
        copies_(copies) {}

  // The private copy of a page.
  const uint8_t* Take(size_t i) {
    if (free_count_ > 0) {
      copies_[i] = free_[--free_count_];
    } else {
      copies_[i] = unused_;
      unused_ += page_size_;
    }
    CopyAgain(i);
    return Room(i);
  }

  const uint8_t* Source(size_t i) const { return static_cast<const uint8_t*>(sources_[i]); }

  void CopyAgain(size_t i) { memcpy(Room(i), sources_[i], page_size_); }

  // Free rooms are used first, so that there are never more than pages taken at a time.
  void GiveBack(size_t i) {
    free_[free_count_++] = Room(i);
    copies_[i] = nullptr;
  }

 private:
  // Every copy lies in the stage, which is the caller's to write.
  uint8_t* Room(size_t i) { return const_cast<uint8_t*>(static_cast<const uint8_t*>(copies_[i])); }

  const void* const* sources_;
  size_t page_size_;
  uint8_t* unused_;
  const void** copies_;
  uint8_t* free_[kMostLanes];
  size_t free_count_ = 0;
};

template <class Pages>
class Classifier {
 public:
  Classifier(const fakedirty_table& table, const uint64_t* index, Pages& pages, size_t count,
             uint8_t* verdicts, fakedirty_fingerprint* fingerprints)
      : table_(table),
        hasher_(*table.hasher),
        index_(index),
        pages_(pages),
        count_(count),
        verdicts_(verdicts),
        fingerprints_(fingerprints) {}

  void Run() {
    for (size_t i = 0; i < count_; ++i) {
      __builtin_prefetch(table_.slot(index_[i]));
      const uint8_t* const page = pages_.Take(i);
      // Most pages that are not zero say so in their first word.
      if (LoadLittle<uint64_t>(page) == 0 && hasher_.is_zero(page, hasher_.page_size())) {
        SetZeroFingerprint(hasher_.digest_bytes(), &fingerprints_[i]);
        Settle(i, page, true);
        continue;
      }
      waiting_[waiting_count_] = i;
      waiting_pages_[waiting_count_] = page;
      if (++waiting_count_ == hasher_.kernel.lanes) Flush(i + 1);
    }
    Flush(count_);
  }

 private:
  // Fingerprints the pages that wait for full lanes; next is the first that was not taken yet.
  void Flush(size_t next) {
    if (waiting_count_ == 0) return;
    alignas(64) uint8_t digests[kMostLanes * FAKEDIRTY_DIGEST_BYTES_MAX];
    const size_t digest_bytes = hasher_.digest_bytes();
    hasher_.kernel.digest(hasher_.parameters, waiting_pages_, waiting_count_, digests,
                          PageToFetch(next));
    if (broken::kLiveFingerprint) FingerprintLive(digests);
    for (size_t i = 0; i < waiting_count_; ++i) {
      SetFingerprint(digests + i * digest_bytes, digest_bytes, &fingerprints_[waiting_[i]]);
      Settle(waiting_[i], waiting_pages_[i], false);
    }
    waiting_count_ = 0;
  }

  // The guest's next page is copied as soon as this one is hashed; a private one is fetched unless
  // the processor does that by itself.
  const uint8_t* PageToFetch(size_t next) const {
    if (!hasher_.kernel.fetches_next || next >= count_) return nullptr;
    const uint8_t* const source = pages_.Source(next);
    return Pages::kCopied ? source : hasher_.parameters.Unforeseen(pages_.Source(next - 1), source);
  }

  void Settle(size_t i, const uint8_t* page, bool is_zero) {
    verdicts_[i] = Judge(table_, index_[i], page, is_zero, fingerprints_[i]);
    if (verdicts_[i] == FAKEDIRTY_UNCHANGED) pages_.GiveBack(i);
  }

  // What a library without rule R1 would do (src/core/broken.h).
  void FingerprintLive(uint8_t* digests) {
    const uint8_t* live[kMostLanes];
    for (size_t i = 0; i < waiting_count_; ++i) live[i] = pages_.Source(waiting_[i]);
    hasher_.kernel.digest(hasher_.parameters, live, waiting_count_, digests, nullptr);
    const timespec moment = {0, 20000};
    nanosleep(&moment, nullptr);
    for (size_t i = 0; i < waiting_count_; ++i) pages_.CopyAgain(waiting_[i]);
  }

  const fakedirty_table& table_;
  const fakedirty_hasher& hasher_;
  const uint64_t* const index_;
  Pages& pages_;
  const size_t count_;
  uint8_t* const verdicts_;
  fakedirty_fingerprint* const fingerprints_;
  size_t waiting_[kMostLanes];
  const uint8_t* waiting_pages_[kMostLanes];
  size_t waiting_count_ = 0;
};

int CheckBatch(const fakedirty_table* table, const uint64_t* index, size_t count) {
  if (!table) return FAKEDIRTY_ERROR_NULL;
  if (count > FAKEDIRTY_BATCH_MAX) return FAKEDIRTY_ERROR_COUNT;
  if (count > 0 && !index) return FAKEDIRTY_ERROR_NULL;
  for (size_t i = 0; i < count; ++i) {
    if (index[i] >= table->pages) return FAKEDIRTY_ERROR_INDEX;
  }
  return FAKEDIRTY_OK;
}

// What is written, each piece apart from all others and from what is read. (Arrays of the same type
// for sources and copies invite to pass one for both.)
template <size_t kWritten, size_t kRead>
int CheckApart(const Stretch (&written)[kWritten], const Stretch (&read)[kRead]) {
  bool overlap = false;
  for (size_t i = 0; i < kWritten; ++i) {
    for (size_t j = 0; j < i; ++j) overlap |= Overlap(written[i], written[j]);
    for (const Stretch& other : read) overlap |= Overlap(written[i], other);
  }
  return overlap ? FAKEDIRTY_ERROR_OVERLAP : FAKEDIRTY_OK;
}

void WriteSlot(fakedirty_table& table, uint64_t index, const uint8_t* fingerprint) {
  const size_t bytes = table.slot_bytes();
  table.NoteWrite(index);
  if (!broken::kNeighboursRewritten) {
    CopyBytes(table.slot(index), fingerprint, bytes);
    return;
  }
  const uint64_t offset = index * bytes, start = offset / 64 * 64;
  const uint64_t length = table.slots.size() - start < 128 ? table.slots.size() - start : 128;
  uint8_t around[128];
  memcpy(around, table.slots.data() + start, length);
  memcpy(around + (offset - start), fingerprint, bytes);
  memcpy(table.slots.data() + start, around, length);
}

}  // namespace
}  // namespace fakedirty

int fakedirty_classify(const fakedirty_table* table, const uint64_t* index,
                       const void* const* sources, size_t count, void* stage, size_t stage_bytes,
                       const void** copies, uint8_t* verdicts,
                       fakedirty_fingerprint* fingerprints) {
  int status = fakedirty::CheckBatch(table, index, count);
  if (status == FAKEDIRTY_OK) status = fakedirty::CheckPages(sources, count);
  if (status != FAKEDIRTY_OK || count == 0) return status;
  if (!stage || !copies || !verdicts || !fingerprints) return FAKEDIRTY_ERROR_NULL;
  const size_t page_size = table->hasher->page_size();
  if (stage_bytes / page_size < count) return FAKEDIRTY_ERROR_CAPACITY;
  const fakedirty::Stretch staged(stage, count * page_size);
  status =
      fakedirty::CheckApart({staged,
                             {copies, count * sizeof(*copies)},
                             {verdicts, count},
                             {fingerprints, count * sizeof(*fingerprints)}},
                            {{index, count * sizeof(*index)}, {sources, count * sizeof(*sources)}});
  if (status != FAKEDIRTY_OK) return status;
  if (fakedirty::AnyPageOverlaps(sources, count, page_size, staged)) return FAKEDIRTY_ERROR_OVERLAP;
  fakedirty::StagedPages pages(sources, page_size, stage, copies);
  fakedirty::Classifier(*table, index, pages, count, verdicts, fingerprints).Run();
  return FAKEDIRTY_OK;
}

int fakedirty_look(const fakedirty_table* table, const uint64_t* index, const void* const* pages,
                   size_t count, uint8_t* verdicts, fakedirty_fingerprint* fingerprints) {
  int status = fakedirty::CheckBatch(table, index, count);
  if (status == FAKEDIRTY_OK) status = fakedirty::CheckPages(pages, count);
  if (status != FAKEDIRTY_OK || count == 0) return status;
  if (!verdicts || !fingerprints) return FAKEDIRTY_ERROR_NULL;
  status =
      fakedirty::CheckApart({{verdicts, count}, {fingerprints, count * sizeof(*fingerprints)}},
                            {{index, count * sizeof(*index)}, {pages, count * sizeof(*pages)}});
  if (status != FAKEDIRTY_OK) return status;
  fakedirty::PrivatePages in_place(pages);
  fakedirty::Classifier(*table, index, in_place, count, verdicts, fingerprints).Run();
  return FAKEDIRTY_OK;
}

int fakedirty_commit(fakedirty_table* table, const uint64_t* index, const void* const* pages,
                     const fakedirty_fingerprint* fingerprints, size_t count) {
  int status = fakedirty::CheckBatch(table, index, count);
  if (status == FAKEDIRTY_OK && table->verifies()) status = fakedirty::CheckPages(pages, count);
  if (status != FAKEDIRTY_OK || count == 0) return status;
  if (!fingerprints) return FAKEDIRTY_ERROR_NULL;
  const size_t page_size = table->hasher->page_size();
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* const fingerprint = fingerprints[i].bytes;
    if (table->verifies()) {
      uint8_t* const copy = table->copy(index[i]);
      if (fakedirty::SameBytes(table->slot(index[i]), fingerprint, table->slot_bytes()) &&
          memcmp(copy, pages[i], page_size) != 0) {
        table->false_skips.fetch_add(1, std::memory_order_relaxed);
      }
      memcpy(copy, pages[i], page_size);
    }
    fakedirty::WriteSlot(*table, index[i], fingerprint);
  }
  return FAKEDIRTY_OK;
}
