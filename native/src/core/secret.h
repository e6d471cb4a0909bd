// SPDX-License-Identifier: MIT
// Memory for key material, and random bytes to fill it.
#ifndef FAKEDIRTY_SRC_CORE_SECRET_H_
#define FAKEDIRTY_SRC_CORE_SECRET_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

namespace fakedirty {

// Occupies operating-system pages of its own, which are left out of core dumps and wiped at the
// end.
class Secret {
 public:
  Secret() = default;
  ~Secret();
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  bool Allocate(size_t bytes);  // call once; false when there is no memory
  void Wipe();                  // sets all bytes to zero

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Like getrandom(2) without flags: returns the number of bytes written, or -1 and sets errno.
using RandomSource = ssize_t (*)(void* buffer, size_t bytes);

// Fills the whole buffer, however few bytes the source returns at a time. False if it fails or
// returns none.
bool FillRandom(void* buffer, size_t bytes, RandomSource source = nullptr);

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_SECRET_H_
