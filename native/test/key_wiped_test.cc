// SPDX-License-Identifier: MIT
// Where a key is stored: only in the hasher's own memory, which is left out of core dumps, and
// nowhere once the hasher and its tables are destroyed. The tests search the whole memory of this
// process.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "choices.h"
#include "filter_calls.h"
#include "handles.h"
#include "random.h"
#include "sanitizers.h"
#include "src/core/hasher.h"

namespace fakedirty_test {
namespace {

// Words are searched for by a mixed form of them: otherwise the search would find itself.
uint64_t Mixture(uint64_t word) {
  word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9;
  return word ^ (word >> 27);
}

uint64_t MixtureAt(const uint8_t* bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof(word));
  return Mixture(word);
}

// The buffer that memory is read into; not searched itself.
class Buffer {
 public:
  static constexpr size_t kBytes = 1 << 20;
  Buffer()
      : bytes_(static_cast<uint8_t*>(
            mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~Buffer() { munmap(bytes_, kBytes); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  uint8_t* bytes() const { return bytes_; }
  bool Holds(uintptr_t address) const {
    return address - reinterpret_cast<uintptr_t>(bytes_) < kBytes;
  }

 private:
  uint8_t* const bytes_;
};

// The addresses in writable memory of words with one of these mixtures.
std::vector<uintptr_t> PlacesOf(const std::vector<uint64_t>& mixtures) {
  std::vector<uintptr_t> places;
  const Buffer buffer;
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  EXPECT_GE(memory, 0);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0;
    char permissions[5] = "";
    if (sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, permissions) != 3) continue;
    if (permissions[0] != 'r' || permissions[1] != 'w') continue;
    for (uintptr_t at = begin; at < end; at += Buffer::kBytes) {
      const size_t wanted = std::min<size_t>(Buffer::kBytes, end - at);
      const ssize_t got = pread(memory, buffer.bytes(), wanted, static_cast<off_t>(at));
      for (ssize_t i = 0; i + 8 <= got; i += 8) {
        const uint64_t found = MixtureAt(buffer.bytes() + i);
        const uintptr_t address = at + static_cast<uintptr_t>(i);
        if (std::find(mixtures.begin(), mixtures.end(), found) != mixtures.end() &&
            !buffer.Holds(address)) {
          places.push_back(address);
        }
      }
    }
  }
  close(memory);
  return places;
}

// Words from all parts of a key layout.
std::vector<uint64_t> MixturesOf(const fakedirty::Secret& key) {
  std::vector<uint64_t> mixtures;
  for (size_t at = 0; at + 8 <= key.size(); at += 8) {
    const uint64_t mixture = MixtureAt(key.data() + at);
    if (mixture != Mixture(0) && at % 120 == 0) mixtures.push_back(mixture);
  }
  const size_t last = key.size() - 8;
  mixtures.push_back(MixtureAt(key.data() + last));
  return mixtures;
}

size_t Outside(const std::vector<uintptr_t>& places, const fakedirty::Secret& key) {
  const auto start = reinterpret_cast<uintptr_t>(key.data());
  return static_cast<size_t>(std::count_if(
      places.begin(), places.end(), [&](uintptr_t place) { return place - start >= key.size(); }));
}

class KeyInMemory : public ::testing::TestWithParam<std::string> {
 protected:
  static constexpr size_t kPageSize = 4096, kPages = 5;

  // Use it as a migration does.
  static void Use(const Table& table) {
    const std::vector<uint8_t> guest = Random(1).Bytes(kPages * kPageSize);
    Indexes index;
    Pages pages;
    for (size_t i = 0; i < kPages; ++i) {
      index.push_back(i);
      pages.push_back(guest.data() + i * kPageSize);
    }
    Send(table, index, pages);
    const Staged staged = Classify(table, kPageSize, index, pages);
    EXPECT_EQ(staged.verdicts[0], FAKEDIRTY_UNCHANGED);
  }

  static void CheckLife(Hasher hasher) {
    const fakedirty::Secret& key = hasher->key;
    const std::vector<uint64_t> mixtures = MixturesOf(key);
    Table table = MakeTable(hasher, kPages);
    hasher.reset();
    Use(table);
    const std::vector<uintptr_t> places = PlacesOf(mixtures);
    EXPECT_GE(places.size(), mixtures.size()) << "the search does not find what is there";
    EXPECT_EQ(Outside(places, key), 0u) << "the key lies in other memory as well";
    table.reset();
    EXPECT_EQ(PlacesOf(mixtures).size(), 0u) << "the key was not wiped";
  }
};

TEST_P(KeyInMemory, RandomKeyIsOnlyInTheHasher) {
  if (kSanitizer) GTEST_SKIP() << "a sanitizer's own memory is too much to search";
  fakedirty_hasher_options options = Options(FAKEDIRTY_PH128, kPageSize);
  options.target = GetParam().c_str();
  CheckLife(MakeHasher(options));
}

TEST_P(KeyInMemory, CallersKeyIsCopiedOnce) {
  if (kSanitizer) GTEST_SKIP() << "a sanitizer's own memory is too much to search";
  // Bytes from the kernel: a generator in this process would leave its last word behind.
  std::vector<uint8_t> key(fakedirty_key_bytes(FAKEDIRTY_PH128, kPageSize));
  ASSERT_TRUE(fakedirty::FillRandom(key.data(), key.size()));
  fakedirty_hasher_options options = Options(FAKEDIRTY_PH128, kPageSize);
  options.target = GetParam().c_str();
  options.key = key.data();
  options.key_bytes = key.size();
  Hasher hasher = MakeHasher(options);
  explicit_bzero(key.data(), key.size());
  CheckLife(std::move(hasher));
}

INSTANTIATE_TEST_SUITE_P(On, KeyInMemory, ::testing::ValuesIn(Targets()), NameOfTarget);

TEST(KeyInACoreDump, IsLeftOut) {
  if (kEmulated) GTEST_SKIP() << "QEMU's user mode does not tell the kernel what to leave out";
  const Hasher hasher = MakeHasher(FAKEDIRTY_PH128);
  const auto key = reinterpret_cast<uintptr_t>(hasher->key.data());
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0;
    if (sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) inside = begin <= key && key < end;
    if (inside && line.rfind("VmFlags:", 0) == 0) {
      EXPECT_NE((line + " ").find(" dd "), std::string::npos) << line;
      return;
    }
  }
  GTEST_SKIP() << "this kernel does not tell the flags of memory";
}

}  // namespace
}  // namespace fakedirty_test
