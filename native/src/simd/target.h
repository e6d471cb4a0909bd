// SPDX-License-Identifier: MIT
// The instruction sets that kernels are built for, and which of them this machine has.
#ifndef FAKEDIRTY_SRC_SIMD_TARGET_H_
#define FAKEDIRTY_SRC_SIMD_TARGET_H_

#include <stddef.h>

namespace fakedirty {

// From best to plainest on each architecture: the order in which they are tried.
enum class Target { kAvx512Icelake, kAvx512, kAvx2, kSse4, kNeon, kPortable };

struct TargetName {
  Target target;
  const char* name;
};

// The position-th target that this machine runs, best first; null past the last.
const TargetName* AvailableTarget(size_t position);

// The target of that name if this machine runs it; null otherwise.
const TargetName* FindTarget(const char* name);

// What a hasher runs on: the name asked for, else FAKEDIRTY_TARGET from the environment, else the
// best. Null when a name was given that this machine does not have.
const TargetName* ChooseTarget(const char* asked_for);

// SHA-1 and SHA-256 instructions for single pages (beside the lanes of any x86 target).
bool HasShaInstructions();

// Whether the processor, reading page behind page, fetches the next one before it is asked to.
// Measured (docs/speed.md): AMD's does, and asking for it as well gains nothing; Intel's does not,
// and asking makes ph128 half as fast again from memory.
bool CrossesPages();

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_SIMD_TARGET_H_
