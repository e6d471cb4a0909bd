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
  // How the kernel's key is derived from the caller's key (keyed algorithms) or from the seed. Both
  // are null when the kernel reads no key.
  size_t (*layout_bytes)(size_t page_size);
  void (*lay_out)(const uint8_t* key, uint64_t seed, size_t page_size, uint8_t* layout);
};

// Null for an unknown number.
const Algorithm* FindAlgorithm(int number);

// FAKEDIRTY_ERROR_ALGORITHM for an unknown name.
int FindAlgorithmNumber(const char* name);

// The length of a caller's key; 0 when the algorithm takes none.
size_t KeyBytes(const Algorithm& algorithm, size_t page_size);

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_ALGORITHM_H_
