// SPDX-License-Identifier: MIT
// The instruction sets that kernels are built for, and which of them this machine has.
#ifndef FAKEDIRTY_SRC_SIMD_TARGET_H_
#define FAKEDIRTY_SRC_SIMD_TARGET_H_

#include <stddef.h>

namespace fakedirty {

// Best first on each architecture.
enum class Target { kAvx512Icelake, kAvx512, kAvx2, kSse4, kNeon, kPortable };

struct TargetName {
  Target target;
  const char* name;
};

// The targets that this machine runs, best first; null past the last.
const TargetName* AvailableTarget(size_t position);

// The target of that name if this machine runs it; null otherwise.
const TargetName* FindTarget(const char* name);

// The target of that name; for null, the one that FAKEDIRTY_TARGET in the environment names, or
// else the best. Null when this machine does not have the target that was named.
const TargetName* ChooseTarget(const char* name);

// Whether the processor has SHA-1 and SHA-256 instructions. They are independent of the target.
bool HasShaInstructions();

// Whether the processor, when it reads consecutive pages, prefetches the next one by itself.
// Measured (docs/results/hash-speed.md): AMD's do up to Zen 4, and software prefetching gains
// nothing. On Zen 5 it makes ph128 15 % and crc32 60 % faster from memory, on Intel ph128 50 %.
bool PrefetchesAcrossPages();

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_SIMD_TARGET_H_
