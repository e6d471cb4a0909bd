// SPDX-License-Identifier: MIT
// The filter, where rule R1 is kept: a page is copied once, and the zero test, the fingerprint, the
// comparison and the caller's send all use that copy, or the very values that were stored in it.
// Giving a verdict never writes the table; committing never reads guest memory.
#include "src/core/filter.h"

#include <string.h>

#include "src/core/mutants.h"
#include "src/core/slot.h"
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
  FAKEDIRTY_IF_MUTANT(kShortFingerprints, mutants::ShortenFingerprint(fingerprint));
  // Digests equal to a reserved value are changed into another value, which doubles the probability
  // of a collision.
  if (IsUnknown(fingerprint->bytes, digest_bytes) || IsZeroPage(fingerprint->bytes, digest_bytes)) {
    fingerprint->bytes[0] ^= 0x80;
  }
}

uint8_t Verdict(const fakedirty_table& table, uint64_t index, const uint8_t* page, bool is_zero,
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

// Pages that nobody writes any more: used in place.
class PrivatePages {
 public:
  static constexpr bool kCopied = false;

  explicit PrivatePages(const void* const* pages) : pages_(pages) {}
  const uint8_t* Take(size_t i) { return Source(i); }
  const uint8_t* Source(size_t i) const { return static_cast<const uint8_t*>(pages_[i]); }
  void Drop(size_t) {}

 private:
  const void* const* pages_;
};

// Guest pages: copied into the stage. The place of an unchanged page goes to a later page, which
// then finds it in the first-level cache.
class StagedPages {
 public:
  static constexpr bool kCopied = true;

  StagedPages(const void* const* sources, size_t page_size, void* stage, const void** copies)
      : sources_(sources),
        page_size_(page_size),
        unused_(static_cast<uint8_t*>(stage)),
        copies_(copies) {}

  // Makes and returns the private copy of a page.
  const uint8_t* Take(size_t i) {
    uint8_t* const copy = Place(i);
    CopyAgain(i);
    return copy;
  }

  // Where the private copy of a page goes.
  uint8_t* Place(size_t i) {
    if (free_count_ > 0) {
      copies_[i] = free_[--free_count_];
    } else {
      copies_[i] = unused_;
      unused_ += page_size_;
    }
    return Copy(i);
  }

  const uint8_t* Source(size_t i) const { return static_cast<const uint8_t*>(sources_[i]); }

  void CopyAgain(size_t i) { memcpy(Copy(i), sources_[i], page_size_); }

  // Frees the place of a page that need not be sent. Free places are used first, so there are never
  // more of them than pages that are waiting for a verdict.
  void Drop(size_t i) {
    free_[free_count_++] = Copy(i);
    copies_[i] = nullptr;
  }

 private:
  // The copies lie in the stage, which the caller lets us write.
  uint8_t* Copy(size_t i) { return const_cast<uint8_t*>(static_cast<const uint8_t*>(copies_[i])); }

  const void* const* sources_;
  size_t page_size_;
  uint8_t* unused_;
  const void** copies_;
  uint8_t* free_[kMaxLanes];
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
    if constexpr (Pages::kCopied) {
      if (hasher_.kernel.copy) return RunInOneReading();
    }
    for (size_t i = 0; i < count_; ++i) {
      __builtin_prefetch(table_.slot(index_[i]));
      const uint8_t* const page = pages_.Take(i);
      // The first word rules out most pages that are not zero.
      if (LoadLittle<uint64_t>(page) == 0 && hasher_.is_zero(page, hasher_.page_size())) {
        SetZeroFingerprint(hasher_.digest_bytes(), &fingerprints_[i]);
        Finish(i, page, true);
        continue;
      }
      waiting_[waiting_count_] = i;
      waiting_pages_[waiting_count_] = page;
      if (++waiting_count_ == hasher_.kernel.lanes) FingerprintWaiting(i + 1);
    }
    FingerprintWaiting(count_);
  }

 private:
  // Each page is copied, hashed and tested for zero at once.
  void RunInOneReading() {
    alignas(64) uint8_t digest[FAKEDIRTY_DIGEST_BYTES_MAX];
    if (count_ > 0) __builtin_prefetch(table_.slot(index_[0]));
    for (size_t i = 0; i < count_; ++i) {
      const bool last = i + 1 == count_;
      if (!last) __builtin_prefetch(table_.slot(index_[i + 1]));
      uint8_t* const copy = pages_.Place(i);
      const bool is_zero = hasher_.kernel.copy(hasher_.parameters, pages_.Source(i), copy, digest,
                                               last ? nullptr : pages_.Source(i + 1));
      FAKEDIRTY_IF_MUTANT(kR1, mutants::FingerprintSources(hasher_, pages_, &i, 1, digest));
      if (is_zero) {
        SetZeroFingerprint(hasher_.digest_bytes(), &fingerprints_[i]);
      } else {
        SetFingerprint(digest, hasher_.digest_bytes(), &fingerprints_[i]);
      }
      Finish(i, copy, is_zero);
    }
  }

  // Pages wait until they fill the kernel's lanes. next is the first page that was not taken yet.
  void FingerprintWaiting(size_t next) {
    if (waiting_count_ == 0) return;
    alignas(64) uint8_t digests[kMaxLanes * FAKEDIRTY_DIGEST_BYTES_MAX];
    const size_t digest_bytes = hasher_.digest_bytes();
    hasher_.kernel.digest(hasher_.parameters, waiting_pages_, waiting_count_, digests,
                          NextToPrefetch(next));
    FAKEDIRTY_IF_MUTANT(
        kR1, mutants::FingerprintSources(hasher_, pages_, waiting_, waiting_count_, digests));
    for (size_t i = 0; i < waiting_count_; ++i) {
      SetFingerprint(digests + i * digest_bytes, digest_bytes, &fingerprints_[waiting_[i]]);
      Finish(waiting_[i], waiting_pages_[i], false);
    }
    waiting_count_ = 0;
  }

  // A guest page is copied next, so it is always worth prefetching; a private page only if the
  // processor does not do it by itself.
  const uint8_t* NextToPrefetch(size_t next) const {
    if (!hasher_.kernel.prefetches_next || next >= count_) return nullptr;
    const uint8_t* const source = pages_.Source(next);
    return Pages::kCopied ? source
                          : hasher_.parameters.PageToPrefetch(pages_.Source(next - 1), source);
  }

  void Finish(size_t i, const uint8_t* page, bool is_zero) {
    verdicts_[i] = Verdict(table_, index_[i], page, is_zero, fingerprints_[i]);
    if (verdicts_[i] == FAKEDIRTY_UNCHANGED) pages_.Drop(i);
  }

  const fakedirty_table& table_;
  const fakedirty_hasher& hasher_;
  const uint64_t* const index_;
  Pages& pages_;
  const size_t count_;
  uint8_t* const verdicts_;
  fakedirty_fingerprint* const fingerprints_;
  size_t waiting_[kMaxLanes];
  const uint8_t* waiting_pages_[kMaxLanes];
  size_t waiting_count_ = 0;
};

void WriteSlot(fakedirty_table& table, uint64_t index, const uint8_t* fingerprint) {
  table.PrepareWrite(index);
  FAKEDIRTY_IF_MUTANT(kR6, return mutants::WriteSlotWithNeighbours(table, index, fingerprint));
  CopyBytes(table.slot(index), fingerprint, table.slot_bytes());
}

// Before the slot is written.
void KeepCopy(fakedirty_table& table, uint64_t index, const uint8_t* page,
              const uint8_t* fingerprint) {
  const size_t page_size = table.hasher->page_size();
  uint8_t* const copy = table.copy(index);
  if (SameBytes(table.slot(index), fingerprint, table.slot_bytes()) &&
      memcmp(copy, page, page_size) != 0) {
    table.false_skips.fetch_add(1, std::memory_order_relaxed);
  }
  memcpy(copy, page, page_size);
}

}  // namespace

void Classify(const fakedirty_table& table, const uint64_t* index, const void* const* sources,
              size_t count, void* stage, const void** copies, uint8_t* verdicts,
              fakedirty_fingerprint* fingerprints) {
  StagedPages pages(sources, table.hasher->page_size(), stage, copies);
  Classifier(table, index, pages, count, verdicts, fingerprints).Run();
}

void Check(const fakedirty_table& table, const uint64_t* index, const void* const* pages,
           size_t count, uint8_t* verdicts, fakedirty_fingerprint* fingerprints) {
  PrivatePages in_place(pages);
  Classifier(table, index, in_place, count, verdicts, fingerprints).Run();
}

void Commit(fakedirty_table& table, const uint64_t* index, const void* const* pages,
            const fakedirty_fingerprint* fingerprints, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* const fingerprint = fingerprints[i].bytes;
    if (table.verifies()) {
      KeepCopy(table, index[i], static_cast<const uint8_t*>(pages[i]), fingerprint);
    }
    WriteSlot(table, index[i], fingerprint);
  }
}

}  // namespace fakedirty
