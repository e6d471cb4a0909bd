// SPDX-License-Identifier: MIT
// Objects allocated with malloc, so that C programs link this library without a C++ runtime.
#ifndef FAKEDIRTY_SRC_CORE_FROM_MALLOC_H_
#define FAKEDIRTY_SRC_CORE_FROM_MALLOC_H_

#include <stdlib.h>

#include <new>

namespace fakedirty {

struct FromMalloc {
  static void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return malloc(bytes); }
  static void operator delete(void* object) { free(object); }
};

// std::nothrow is defined in the C++ runtime library.
constexpr std::nothrow_t kNoThrow{};

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_FROM_MALLOC_H_
