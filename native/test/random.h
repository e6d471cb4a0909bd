// SPDX-License-Identifier: MIT
// Random numbers that are the same in every run.
#ifndef FAKEDIRTY_TEST_RANDOM_H_
#define FAKEDIRTY_TEST_RANDOM_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <vector>

namespace fakedirty_test {

// splitmix64. vectors.py makes its ph128 key with the same one, started at 0.
class Random {
 public:
  explicit Random(uint64_t start = 0) : state_(start) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  uint64_t Below(uint64_t limit) { return Next() % limit; }

  void Fill(uint8_t* bytes, size_t count) {
    for (size_t i = 0; i < count; i += sizeof(uint64_t)) {
      const uint64_t word = Next();
      memcpy(bytes + i, &word, count - i < sizeof(word) ? count - i : sizeof(word));
    }
  }

  std::vector<uint8_t> Bytes(size_t count) {
    std::vector<uint8_t> bytes(count);
    Fill(bytes.data(), count);
    return bytes;
  }

 private:
  uint64_t state_;
};

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_RANDOM_H_
