// SPDX-License-Identifier: MIT
// XXH3 without vectors.
#define XXH_VECTOR XXH_SCALAR
#define FAKEDIRTY_XXHASH_NAMESPACE xxhash_portable
#include "src/kernels/xxhash-inl.h"
