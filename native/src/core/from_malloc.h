// SPDX-License-Identifier: MIT
// Objects from malloc, so that a C program needs no C++ runtime library to link this one.
#ifndef FAKEDIRTY_SRC_CORE_FROM_MALLOC_H_
#define FAKEDIRTY_SRC_CORE_FROM_MALLOC_H_

#include <stdlib.h>

#include <new>

namespace fakedirty {

struct FromMalloc {
  static void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return malloc(bytes); }
  static void operator delete(void* object) { free(object); }
};

// std::nothrow without the library that defines it.
constexpr std::nothrow_t kNoThrow{};

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_FROM_MALLOC_H_
