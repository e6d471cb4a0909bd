// SPDX-License-Identifier: MIT
// Asks the processor which targets it runs.
#include "src/simd/target.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace fakedirty {
namespace {

constexpr TargetName kAllTargets[] = {
    {Target::kAvx512Icelake, "avx512-icelake"},
    {Target::kAvx512, "avx512"},
    {Target::kAvx2, "avx2"},
    {Target::kSse4, "sse4"},
    {Target::kNeon, "neon"},
    {Target::kPortable, "portable"},
};

// __builtin_cpu_supports also checks that the operating system saves the wide registers.
bool Runs(Target target) {
  switch (target) {
    case Target::kPortable:
      return true;
#if defined(__x86_64__)
    case Target::kNeon:
      return false;
    case Target::kSse4:
      return __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") &&
             __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul") &&
             __builtin_cpu_supports("aes");
    case Target::kAvx2:
      return Runs(Target::kSse4) && __builtin_cpu_supports("avx2") &&
             __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
             __builtin_cpu_supports("fma");
    case Target::kAvx512:
      return Runs(Target::kAvx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw");
    case Target::kAvx512Icelake:
      return Runs(Target::kAvx512) && __builtin_cpu_supports("vpclmulqdq") &&
             __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
             __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("avx512vpopcntdq") &&
             __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__) && defined(__linux__)
    case Target::kNeon:  // with carry-less multiplication, which came together with AES
      return (getauxval(AT_HWCAP) & HWCAP_PMULL) && (getauxval(AT_HWCAP) & HWCAP_AES);
#endif
    default:
      return false;
  }
}

}  // namespace

const TargetName* AvailableTarget(size_t position) {
  for (const TargetName& entry : kAllTargets) {
    if (Runs(entry.target) && position-- == 0) return &entry;
  }
  return nullptr;
}

const TargetName* FindTarget(const char* name) {
  for (const TargetName& entry : kAllTargets) {
    if (strcmp(entry.name, name) == 0) return Runs(entry.target) ? &entry : nullptr;
  }
  return nullptr;
}

const TargetName* ChooseTarget(const char* name) {
  if (name) return FindTarget(name);
  const char* const environment = secure_getenv("FAKEDIRTY_TARGET");
  return environment && *environment ? FindTarget(environment) : AvailableTarget(0);
}

bool PrefetchesAcrossPages() {
#if defined(__x86_64__)
  constexpr unsigned kZen5 = 0x1A;  // the families of Zen to Zen 4 are 0x17 and 0x19
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__builtin_cpu_is("amd") || !__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return false;
  return (eax >> 8 & 0xF) + (eax >> 20 & 0xFF) < kZen5;
#else
  return false;
#endif
}

bool HasShaInstructions() {
#if defined(__x86_64__)
  constexpr unsigned kShaBit = 1u << 29;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & kShaBit) && Runs(Target::kSse4);
#else
  return false;
#endif
}

}  // namespace fakedirty
