// SPDX-License-Identifier: MIT
// Memory between two inaccessible pages: a read past either end crashes.
#ifndef FAKEDIRTY_TEST_GUARDED_MEMORY_H_
#define FAKEDIRTY_TEST_GUARDED_MEMORY_H_

#include <gtest/gtest.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

namespace fakedirty_test {

// The size is rounded up to whole operating-system pages.
class GuardedMemory {
 public:
  explicit GuardedMemory(size_t bytes) {
    const size_t guard = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    bytes_ = (bytes + guard - 1) / guard * guard;
    whole_bytes_ = bytes_ + 2 * guard;
    whole_ = mmap(nullptr, whole_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(whole_, MAP_FAILED);
    begin_ = static_cast<uint8_t*>(whole_) + guard;
    EXPECT_EQ(mprotect(begin_, bytes_, PROT_READ | PROT_WRITE), 0);
  }
  ~GuardedMemory() { munmap(whole_, whole_bytes_); }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  uint8_t* begin() { return begin_; }
  uint8_t* end() { return begin_ + bytes_; }
  void ForbidWriting() { EXPECT_EQ(mprotect(begin_, bytes_, PROT_READ), 0); }

 private:
  size_t bytes_ = 0, whole_bytes_ = 0;
  void* whole_ = nullptr;
  uint8_t* begin_ = nullptr;
};

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_GUARDED_MEMORY_H_
