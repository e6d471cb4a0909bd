// SPDX-License-Identifier: MIT
// How the kernel treats a table's memory: core dumps leave it out, and where all new memory is
// locked (mlockall, QEMU's mem-lock=on) it is still filled only as it is written.
#include <errno.h>
#include <gtest/gtest.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "filter_calls.h"
#include "handles.h"
#include "random.h"
#include "sanitizers.h"
#include "src/core/hasher.h"
#include "src/core/table.h"

namespace fakedirty_test {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// What /proc/self/smaps says of the mapping that holds an address.
struct Mapping {
  std::set<std::string> flags;  // as in VmFlags
  int64_t resident_bytes = -1, locked_bytes = -1;
};

Mapping MappingAt(const void* address) {
  const auto at = reinterpret_cast<uintptr_t>(address);
  std::ifstream smaps("/proc/self/smaps");
  Mapping mapping;
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    uintptr_t begin, end;
    char dash;
    if (std::istringstream(line) >> std::hex >> begin >> dash >> end && dash == '-') {
      inside = begin <= at && at < end;
    }
    if (!inside) continue;
    std::istringstream words(line);
    std::string name;
    words >> name;
    int64_t kib;
    if (name == "Rss:" && words >> kib) mapping.resident_bytes = kib * 1024;
    if (name == "Locked:" && words >> kib) mapping.locked_bytes = kib * 1024;
    if (name != "VmFlags:") continue;
    for (std::string flag; words >> flag;) mapping.flags.insert(flag);
  }
  return mapping;
}

#define SKIP_WITHOUT_SMAPS()                                                              \
  do {                                                                                    \
    if (kEmulated) GTEST_SKIP() << "the emulator's /proc/self/smaps has no flags";        \
    if (MappingAt(&errno).flags.empty()) GTEST_SKIP() << "/proc/self/smaps has no flags"; \
  } while (false)

TEST(Mapping, IsLeftOutOfCoreDumps) {
  SKIP_WITHOUT_SMAPS();
  const Hasher hasher = MakeHasher(FAKEDIRTY_PH128);
  for (const uint64_t pages : {uint64_t{1}, 1 * kMiB}) {  // in small pages, in huge pages
    const Table table = MakeTable(hasher, pages, FAKEDIRTY_TABLE_VERIFY);
    const std::vector<uint8_t> page = Random(1).Bytes(4096);
    Send(table, {0}, {page.data()});
    const struct {
      const char* what;
      const void* data;
    } all[] = {{"slots", table->slots.data()},
               {"copies", table->copies.data()},
               {"key", hasher->parameters.key}};
    for (const auto& memory : all) {
      EXPECT_EQ(MappingAt(memory.data).flags.count("dd"), 1u) << memory.what << " of " << pages;
    }
  }
}

constexpr int kPassed = 77, kNotAllowed = 78;

void Expect(bool condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

// The rest of this process has all its new memory locked.
void LockAllNewMemory() {
  const rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  (void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
  if (mlockall(MCL_FUTURE) != 0) exit(kNotAllowed);
}

// Slots of 16 MiB, and 1 GiB of copies.
constexpr uint64_t kLockedPages = 1 * kMiB;

[[noreturn]] void UseALockedTable() {
  const Hasher hasher = MakeHasher(FAKEDIRTY_PH128, 1024);
  const std::vector<uint8_t> page = Random(1).Bytes(1024);
  LockAllNewMemory();
  {
    const Table table = MakeTable(hasher, kLockedPages, FAKEDIRTY_TABLE_VERIFY);
    Expect(table != nullptr, "no table");
    const void* const slots = table->slots.data();
    const void* const copies = table->copies.data();
    Expect(MappingAt(slots).flags.count("lo") == 1, "slots are not locked");
    Expect(MappingAt(slots).resident_bytes == 0, "creating fills the slots");
    Expect(MappingAt(copies).resident_bytes == 0, "creating fills the copies");
    Send(table, {kLockedPages / 2}, {page.data()});
    const Mapping written = MappingAt(slots);
    Expect(written.resident_bytes > 0, "no slot was written");
    Expect(written.locked_bytes == written.resident_bytes, "what was written is not locked");
    Expect(written.resident_bytes <= static_cast<int64_t>(2 * kMiB), "a commit fills too much");
    Expect(MappingAt(copies).resident_bytes <= static_cast<int64_t>(2 * kMiB), "copies are filled");
    Expect(fakedirty_table_reset(table.get()) == FAKEDIRTY_OK, "no reset");
    Expect(Statistics(table).unknown == kLockedPages, "a reset leaves slots");
    Expect(MappingAt(slots).resident_bytes <= written.resident_bytes, "a reset fills the slots");
  }
  exit(kPassed);
}

// In a process of its own: it cannot be undone for memory that others have.
TEST(Mapping, IsFilledOnlyAsItIsWrittenWhereAllMemoryIsLocked) {
  SKIP_WITHOUT_SMAPS();
  if (kSanitizer) GTEST_SKIP() << "a sanitizer's own memory would be locked and filled as well";
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) UseALockedTable();
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  if (WEXITSTATUS(status) == kNotAllowed) {
    GTEST_SKIP() << "this user may not lock memory (RLIMIT_MEMLOCK, CAP_IPC_LOCK)";
  }
  EXPECT_EQ(WEXITSTATUS(status), kPassed);
}

}  // namespace
}  // namespace fakedirty_test
