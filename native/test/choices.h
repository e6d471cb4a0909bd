// SPDX-License-Identifier: MIT
// Parameters of tests: algorithms, instruction sets, page sizes; and how tests are named by them.
#ifndef FAKEDIRTY_TEST_CHOICES_H_
#define FAKEDIRTY_TEST_CHOICES_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "include/fakedirty.h"

namespace fakedirty_test {

constexpr size_t kPageSizes[] = {1024, 2048, 4096, 8192, 16384, 32768, 65536};

inline std::vector<int> Algorithms() {
  std::vector<int> algorithms;
  for (int number = 0; fakedirty_algorithm_info(number); ++number) algorithms.push_back(number);
  return algorithms;
}

// Algorithms whose digests never collide in a test.
inline std::vector<int> WideAlgorithms() {
  std::vector<int> algorithms;
  for (const int number : Algorithms()) {
    if (fakedirty_algorithm_info(number)->digest_bytes >= 8) algorithms.push_back(number);
  }
  return algorithms;
}

inline std::vector<std::string> Targets() {
  std::vector<std::string> targets;
  while (const char* const name = fakedirty_target_name(targets.size())) targets.push_back(name);
  return targets;
}

inline size_t DigestBytes(int algorithm) {
  return fakedirty_algorithm_info(algorithm)->digest_bytes;
}

// GoogleTest allows letters, digits and underscores.
inline std::string TestName(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

inline std::string NameOfAlgorithm(const ::testing::TestParamInfo<int>& info) {
  return TestName(fakedirty_algorithm_info(info.param)->name);
}

inline std::string NameOfTarget(const ::testing::TestParamInfo<std::string>& info) {
  return TestName(info.param);
}

using AlgorithmAndTarget = std::tuple<int, std::string>;

inline std::string NameOfBoth(const ::testing::TestParamInfo<AlgorithmAndTarget>& info) {
  return TestName(fakedirty_algorithm_info(std::get<0>(info.param))->name) + "_on_" +
         TestName(std::get<1>(info.param));
}

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_CHOICES_H_
