// SPDX-License-Identifier: MIT
// Memory that a JavaScript object holds outside the heap. The garbage collector is told of it: else
// it would take objects for small, and let thousands of them pile up.
#ifndef FAKEDIRTY_ADDON_HELD_MEMORY_H_
#define FAKEDIRTY_ADDON_HELD_MEMORY_H_

#include <napi.h>
#include <stdint.h>

namespace fakedirty_addon {

class HeldMemory {
 public:
  explicit HeldMemory(Napi::BasicEnv env) : env_(env) {}
  ~HeldMemory() { Set(0); }
  HeldMemory(const HeldMemory&) = delete;
  HeldMemory& operator=(const HeldMemory&) = delete;

  void Set(int64_t bytes) {
    if (bytes != bytes_) Napi::MemoryManagement::AdjustExternalMemory(env_, bytes - bytes_);
    bytes_ = bytes;
  }

 private:
  const Napi::BasicEnv env_;
  int64_t bytes_ = 0;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_HELD_MEMORY_H_
