// SPDX-License-Identifier: MIT
// Memory for key material, and random bytes to fill it.
#ifndef FAKEDIRTY_SRC_CORE_SECRET_H_
#define FAKEDIRTY_SRC_CORE_SECRET_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

namespace fakedirty {

// Whole operating-system pages of their own, left out of core dumps, wiped when let go.
class Secret {
 public:
  Secret() = default;
  ~Secret();
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  bool Allocate(size_t bytes);  // once; false when there is no memory
  void Wipe();                  // the bytes become zero, the memory stays

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Like getrandom(2) without flags: bytes written, or -1 and errno.
using RandomSource = ssize_t (*)(void* buffer, size_t bytes);

// All bytes, however few the source gives at a time. False when it fails or gives none.
bool FillRandom(void* buffer, size_t bytes, RandomSource source = nullptr);

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_SECRET_H_
