// SPDX-License-Identifier: MIT
// The table: what the destination holds, one slot a page.
//
// A slot is as wide as a digest. Two of its values are reserved: all bytes zero means unknown
// (which is what fresh memory says), all zero but a last byte of one means that the page is zero.
// There are no other states and no bits beside the slots, so that writers of neighbouring pages
// share nothing.
#ifndef FAKEDIRTY_SRC_CORE_TABLE_H_
#define FAKEDIRTY_SRC_CORE_TABLE_H_

#include <string.h>

#include <atomic>
#include <type_traits>

#include "src/core/hasher.h"

namespace fakedirty {

// Memory that reads as zero and costs nothing until it is written.
class LazyMemory {
 public:
  LazyMemory() = default;
  ~LazyMemory();
  LazyMemory(const LazyMemory&) = delete;
  LazyMemory& operator=(const LazyMemory&) = delete;

  // Once. Memory that is written here and there only had better be in small pages.
  bool Allocate(uint64_t bytes, bool in_huge_pages);
  void Expect(uint64_t offset, uint64_t bytes);  // will be written soon: the costs now, all at once
  void Clear(uint64_t offset, uint64_t bytes);   // reads as zero again, given back where possible

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  uint64_t size() const { return size_; }

 private:
  uint8_t* data_ = nullptr;
  uint64_t size_ = 0, mapped_ = 0;
};

// Which stretches of slots have been written. On some systems reading memory that was never written
// takes it all the same; whoever reads slots passes the other stretches by.
class WrittenStretches {
 public:
  static constexpr uint64_t kSlots = 16384;  // in one stretch

  WrittenStretches() = default;
  ~WrittenStretches() { free(flags_); }
  WrittenStretches(const WrittenStretches&) = delete;
  WrittenStretches& operator=(const WrittenStretches&) = delete;

  bool Allocate(uint64_t slots);  // once

  // From any thread, before the slot is written.
  void Note(uint64_t slot) { __atomic_store_n(&flags_[slot / kSlots], true, __ATOMIC_RELAXED); }
  bool Has(uint64_t slot) const {
    return __atomic_load_n(&flags_[slot / kSlots], __ATOMIC_RELAXED);
  }
  // The slots are as new; stretches that reach beyond them stay.
  void Forget(uint64_t first, uint64_t slots);

 private:
  uint64_t slots_ = 0;
  bool* flags_ = nullptr;
};

}  // namespace fakedirty

struct fakedirty_table : fakedirty::FromMalloc {
  fakedirty_hasher* hasher = nullptr;
  uint64_t pages = 0;
  fakedirty::LazyMemory slots;
  fakedirty::WrittenStretches written;
  fakedirty::LazyMemory copies;  // what was committed, when verifying
  std::atomic<uint64_t> false_skips{0};

  ~fakedirty_table();

  bool verifies() const { return copies.data() != nullptr; }
  size_t slot_bytes() const { return hasher->digest_bytes(); }
  const uint8_t* slot(uint64_t page) const { return slots.data() + page * slot_bytes(); }
  uint8_t* slot(uint64_t page) { return slots.data() + page * slot_bytes(); }
  const uint8_t* copy(uint64_t page) const { return copies.data() + page * hasher->page_size(); }
  uint8_t* copy(uint64_t page) { return copies.data() + page * hasher->page_size(); }

  // Before a slot is written.
  void NoteWrite(uint64_t page) {
    if (!written.Has(page)) NoteFirstWrite(page);
  }

 private:
  void NoteFirstWrite(uint64_t page);
};

namespace fakedirty {

// A digest has one of five widths. Named one by one, the compiler needs no calls for them.
template <class Operation>
inline auto WithWidth(size_t bytes, Operation operation) {
  switch (bytes) {
    case 4:
      return operation(std::integral_constant<size_t, 4>());
    case 8:
      return operation(std::integral_constant<size_t, 8>());
    case 16:
      return operation(std::integral_constant<size_t, 16>());
    case 20:
      return operation(std::integral_constant<size_t, 20>());
    default:
      return operation(std::integral_constant<size_t, 32>());
  }
}

inline bool SameBytes(const uint8_t* a, const uint8_t* b, size_t bytes) {
  return WithWidth(bytes, [=](auto width) { return memcmp(a, b, width()) == 0; });
}

inline void CopyBytes(uint8_t* to, const uint8_t* from, size_t bytes) {
  WithWidth(bytes, [=](auto width) { memcpy(to, from, width()); });
}

constexpr uint8_t kUnknown[FAKEDIRTY_DIGEST_BYTES_MAX] = {};

inline bool IsUnknown(const uint8_t* slot, size_t bytes) {
  return SameBytes(slot, kUnknown, bytes);
}

inline bool SaysZero(const uint8_t* slot, size_t bytes) {
  uint8_t zero_page[FAKEDIRTY_DIGEST_BYTES_MAX] = {};
  zero_page[bytes - 1] = 1;
  return SameBytes(slot, zero_page, bytes);
}

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_TABLE_H_
