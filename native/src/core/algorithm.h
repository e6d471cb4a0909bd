// SPDX-License-Identifier: MIT
// The list of fingerprint algorithms.
#ifndef FAKEDIRTY_SRC_CORE_ALGORITHM_H_
#define FAKEDIRTY_SRC_CORE_ALGORITHM_H_

#include "include/fakedirty.h"
#include "src/kernels/kernel.h"

namespace fakedirty {

struct Algorithm {
  fakedirty_algorithm_properties properties;
  Kernel (*kernel)(Target target);
  // How the kernel's key is made from the given key (keyed algorithms) or from the seed; null when
  // it has none.
  size_t (*layout_bytes)(size_t page_size);
  void (*lay_out)(const uint8_t* given, uint64_t seed, size_t page_size, uint8_t* layout);
};

// Null for a number that is none.
const Algorithm* FindAlgorithm(int number);

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_ALGORITHM_H_
