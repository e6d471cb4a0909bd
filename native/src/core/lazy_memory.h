// SPDX-License-Identifier: MIT
// Memory that reads as zero and takes no room until it is written. Core dumps leave it out.
#ifndef FAKEDIRTY_SRC_CORE_LAZY_MEMORY_H_
#define FAKEDIRTY_SRC_CORE_LAZY_MEMORY_H_

#include <stdint.h>

namespace fakedirty {

class LazyMemory {
 public:
  LazyMemory() = default;
  ~LazyMemory();
  LazyMemory(const LazyMemory&) = delete;
  LazyMemory& operator=(const LazyMemory&) = delete;

  // Call once; false when there is no memory. Use huge pages only for memory that is written
  // densely: a single write takes a whole page.
  bool Allocate(uint64_t bytes, bool in_huge_pages);

  // Takes the room for a range that is about to be written in one call instead of many page faults.
  void Populate(uint64_t offset, uint64_t bytes);

  // Gives the room of a range back to the operating system: the range reads as zero again. False,
  // and nothing has changed, where the system can't. The range starts at a multiple of 64 KiB, and
  // ends at one or at the end.
  bool GiveBack(uint64_t offset, uint64_t bytes);

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  uint64_t size() const { return size_; }

 private:
  uint8_t* data_ = nullptr;
  uint64_t size_ = 0, mapped_ = 0;
};

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_LAZY_MEMORY_H_
