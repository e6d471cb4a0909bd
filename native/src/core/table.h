// SPDX-License-Identifier: MIT
// The table: one slot a page, and in a verifying table a copy of each page.
#ifndef FAKEDIRTY_SRC_CORE_TABLE_H_
#define FAKEDIRTY_SRC_CORE_TABLE_H_

#include <stdlib.h>

#include <atomic>

#include "include/fakedirty.h"
#include "src/core/hasher.h"
#include "src/core/lazy_memory.h"

namespace fakedirty {

// Which chunks of slots have been written. Some systems allocate memory even when it is only read,
// so readers of slots skip the chunks that were never written.
class WrittenChunks {
 public:
  static constexpr uint64_t kSlots = 16384;  // in one chunk

  WrittenChunks() = default;
  ~WrittenChunks() { free(flags_); }
  WrittenChunks(const WrittenChunks&) = delete;
  WrittenChunks& operator=(const WrittenChunks&) = delete;

  bool Allocate(uint64_t slots);  // call once; false when there is no memory

  // From any thread, before the slot is written.
  void Set(uint64_t slot) { __atomic_store_n(&flags_[slot / kSlots], true, __ATOMIC_RELAXED); }
  bool Has(uint64_t slot) const {
    return __atomic_load_n(&flags_[slot / kSlots], __ATOMIC_RELAXED);
  }
  // After all slots of its chunk were cleared.
  void Clear(uint64_t slot) { __atomic_store_n(&flags_[slot / kSlots], false, __ATOMIC_RELAXED); }

 private:
  bool* flags_ = nullptr;
};

}  // namespace fakedirty

struct fakedirty_table : fakedirty::FromMalloc {
  fakedirty_hasher* hasher = nullptr;
  uint64_t pages = 0;
  fakedirty::LazyMemory slots;
  fakedirty::WrittenChunks written;
  fakedirty::LazyMemory copies;  // of the committed pages, in a verifying table
  std::atomic<uint64_t> false_skips{0};

  ~fakedirty_table();

  bool verifies() const { return copies.data() != nullptr; }
  size_t slot_bytes() const { return hasher->digest_bytes(); }
  const uint8_t* slot(uint64_t page) const { return slots.data() + page * slot_bytes(); }
  uint8_t* slot(uint64_t page) { return slots.data() + page * slot_bytes(); }
  const uint8_t* copy(uint64_t page) const { return copies.data() + page * hasher->page_size(); }
  uint8_t* copy(uint64_t page) { return copies.data() + page * hasher->page_size(); }

  // Call before a slot is written.
  void PrepareWrite(uint64_t page) {
    if (!written.Has(page)) PrepareChunk(page);
  }

  // Makes these slots unknown. Memory is given back only where the range is as long as a chunk.
  void Invalidate(uint64_t first, uint64_t count);
  void Reset();  // all slots are unknown, and no false skip was counted
  fakedirty_statistics Statistics() const;

 private:
  void PrepareChunk(uint64_t page);
  void Clear(uint64_t first, uint64_t count, bool give_back);
  void ClearSlots(uint64_t first, uint64_t count);
  void GiveBackChunks(uint64_t first, uint64_t count);
};

namespace fakedirty {

// FAKEDIRTY_OK or FAKEDIRTY_ERROR_NO_MEMORY.
int CreateTable(fakedirty_hasher* hasher, uint64_t pages, bool verify, fakedirty_table** table);

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_TABLE_H_
