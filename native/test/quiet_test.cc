// SPDX-License-Identifier: MIT
// The calls for every page allocate no memory and make no system call (so they never wait for a
// lock). Each runs in a process of its own, which is killed if it does.
#include <errno.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "choices.h"
#include "filter_calls.h"
#include "handles.h"
#include "random.h"
#include "sanitizers.h"

namespace {
bool counting = false;
int allocations = 0;
}  // namespace

// All allocations of this program go through here, also those of the library.
#define FAKEDIRTY_COUNTED(name, parameters, arguments) \
  extern "C" void* __libc_##name parameters;           \
  extern "C" void* name parameters {                   \
    allocations += counting;                           \
    return __libc_##name arguments;                    \
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(FAKEDIRTY_TEST_ADDRESS_SANITIZER) && !defined(FAKEDIRTY_TEST_THREAD_SANITIZER)
FAKEDIRTY_COUNTED(malloc, (size_t bytes), (bytes))
FAKEDIRTY_COUNTED(calloc, (size_t count, size_t bytes), (count, bytes))
FAKEDIRTY_COUNTED(realloc, (void* memory, size_t bytes), (memory, bytes))
FAKEDIRTY_COUNTED(memalign, (size_t alignment, size_t bytes), (alignment, bytes))
#endif

namespace fakedirty_test {
namespace {

#define SKIP_UNDER_SANITIZERS() \
  if (kSanitizer) GTEST_SKIP() << "sanitizers make calls of their own"

// From now on the process may do nothing but exit. In an emulator, which makes calls of its own,
// only allocations are noticed.
void ForbidSystemCalls() {
  if (kEmulated) return;
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    _exit(errno);
  }
}

constexpr int kQuiet = 77, kFailed = 78, kAllocated = 79;

// Ends this process; how it ended is what the tests check, not its result.
template <class Body>
[[noreturn]] void Quietly(Body body) {
  ForbidSystemCalls();
  counting = true;
  const bool succeeded = body();
  counting = false;
  syscall(SYS_exit_group, allocations > 0 ? kAllocated : succeeded ? kQuiet : kFailed);
  abort();
}

TEST(QuietTest, NoticesASystemCall) {
  SKIP_UNDER_SANITIZERS();
  if (kEmulated) GTEST_SKIP() << "QEMU's user mode makes calls of its own, and filters none";
  EXPECT_EXIT(Quietly([] { return syscall(SYS_getppid) > 0; }), ::testing::KilledBySignal(SIGSYS),
              "");
}

TEST(QuietTest, NoticesAnAllocation) {
  SKIP_UNDER_SANITIZERS();
  const auto allocate = [] {
    free(malloc(1));
    delete new int(1);
    return true;
  };
  EXPECT_EXIT(Quietly(allocate), ::testing::ExitedWithCode(kAllocated), "");
}

class Quiet : public ::testing::TestWithParam<AlgorithmAndTarget> {
 protected:
  static constexpr size_t kCount = 67, kPageSize = 4096;

  Quiet() {
    fakedirty_hasher_options options = Options(std::get<0>(GetParam()), kPageSize);
    options.target = std::get<1>(GetParam()).c_str();
    hasher_ = MakeHasher(options);
    Random(1).Fill(memory_.data(), memory_.size() / 2);  // the other pages are zero
    for (size_t i = 0; i < kCount; ++i) {
      index_.push_back(i * 1000);
      pages_.push_back(memory_.data() + i * kPageSize);
    }
  }

  Hasher hasher_;
  std::vector<uint8_t> memory_ = std::vector<uint8_t>(kCount * kPageSize);
  std::vector<uint8_t> stage_ = std::vector<uint8_t>(kCount * kPageSize);
  std::vector<uint8_t> digests_ = std::vector<uint8_t>(kCount * FAKEDIRTY_DIGEST_BYTES_MAX);
  Indexes index_;
  Pages pages_, copies_ = Pages(kCount);
  Seen seen_{kCount};
};

TEST_P(Quiet, Digest) {
  SKIP_UNDER_SANITIZERS();
  EXPECT_EXIT(Quietly([&] {
                return fakedirty_digest(hasher_.get(), pages_.data(), kCount, digests_.data(),
                                        digests_.size()) == FAKEDIRTY_OK;
              }),
              ::testing::ExitedWithCode(kQuiet), "");
}

// Each call is made twice: first the slots are unknown, then the pages are unchanged. Other pages
// of the same chunks have been committed before, so the memory of the slots is there.
TEST_P(Quiet, CheckClassifyAndCommit) {
  SKIP_UNDER_SANITIZERS();
  for (const uint32_t flags : {0u, FAKEDIRTY_TABLE_VERIFY}) {
    const Table table = MakeTable(hasher_, kCount * 1000, flags);
    const auto pass_over = [&](const Indexes& indexes) {
      return fakedirty_check(table.get(), indexes.data(), pages_.data(), kCount,
                             seen_.verdicts.data(), seen_.fingerprints.data()) == FAKEDIRTY_OK &&
             fakedirty_classify(table.get(), indexes.data(), pages_.data(), kCount, stage_.data(),
                                stage_.size(), copies_.data(), seen_.verdicts.data(),
                                seen_.fingerprints.data()) == FAKEDIRTY_OK &&
             fakedirty_commit(table.get(), indexes.data(), pages_.data(), seen_.fingerprints.data(),
                              kCount) == FAKEDIRTY_OK;
    };
    Indexes beside = index_;
    for (uint64_t& index : beside) ++index;
    ASSERT_TRUE(pass_over(beside));
    const auto pass = [&] { return pass_over(index_); };
    EXPECT_EXIT(Quietly([&] {
                  return pass() && seen_.verdicts[0] == FAKEDIRTY_FIRST && pass() &&
                         seen_.verdicts[0] == FAKEDIRTY_UNCHANGED;
                }),
                ::testing::ExitedWithCode(kQuiet), "");
  }
}

// A caller that sends pages unseen makes their slots unknown first, hundreds of times a pass. Here
// some were written and some never.
TEST_P(Quiet, InvalidateOfAShortRange) {
  SKIP_UNDER_SANITIZERS();
  const Table table = MakeTable(hasher_, kCount * 1000);
  Send(table, index_, pages_);
  EXPECT_EXIT(Quietly([&] {
                int status = FAKEDIRTY_OK;
                for (uint64_t first = 0; first < 66000; first += 16000) {
                  for (const uint64_t pages : {1, 16, 512, 1000, 16383}) {
                    const uint64_t count = std::min(pages, kCount * 1000 - first);
                    status |= fakedirty_table_invalidate(table.get(), first, count);
                  }
                }
                return status == FAKEDIRTY_OK;
              }),
              ::testing::ExitedWithCode(kQuiet), "");
}

TEST_P(Quiet, FalseSkips) {
  SKIP_UNDER_SANITIZERS();
  const Table table = MakeTable(hasher_, kCount * 1000, FAKEDIRTY_TABLE_VERIFY);
  EXPECT_EXIT(Quietly([&] { return fakedirty_table_false_skips(table.get()) == 0; }),
              ::testing::ExitedWithCode(kQuiet), "");
}

INSTANTIATE_TEST_SUITE_P(Every, Quiet,
                         ::testing::Combine(::testing::ValuesIn(Algorithms()),
                                            ::testing::ValuesIn(Targets())),
                         NameOfBoth);

}  // namespace
}  // namespace fakedirty_test
