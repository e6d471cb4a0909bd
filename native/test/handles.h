// SPDX-License-Identifier: MIT
// Hashers and tables in smart pointers.
#ifndef FAKEDIRTY_TEST_HANDLES_H_
#define FAKEDIRTY_TEST_HANDLES_H_

#include <gtest/gtest.h>

#include <memory>

#include "include/fakedirty.h"

namespace fakedirty_test {

struct Destroy {
  void operator()(fakedirty_hasher* hasher) const { fakedirty_hasher_destroy(hasher); }
  void operator()(fakedirty_table* table) const { fakedirty_table_destroy(table); }
};
using Hasher = std::unique_ptr<fakedirty_hasher, Destroy>;
using Table = std::unique_ptr<fakedirty_table, Destroy>;

inline fakedirty_hasher_options Options(int algorithm, size_t page_size = 4096) {
  fakedirty_hasher_options options = {};
  options.size = sizeof(options);
  options.algorithm = algorithm;
  options.page_size = page_size;
  return options;
}

inline Hasher MakeHasher(const fakedirty_hasher_options& options) {
  fakedirty_hasher* hasher = nullptr;
  const int status = fakedirty_hasher_create(&options, &hasher);
  EXPECT_EQ(status, FAKEDIRTY_OK) << fakedirty_status_text(status);
  return Hasher(hasher);
}

inline Hasher MakeHasher(int algorithm, size_t page_size = 4096) {
  return MakeHasher(Options(algorithm, page_size));
}

inline Table MakeTable(const Hasher& hasher, uint64_t pages, uint32_t flags = 0) {
  fakedirty_table* table = nullptr;
  const int status = fakedirty_table_create(hasher.get(), pages, flags, &table);
  EXPECT_EQ(status, FAKEDIRTY_OK) << fakedirty_status_text(status);
  return Table(table);
}

inline fakedirty_statistics Statistics(const Table& table) {
  fakedirty_statistics statistics = {};
  EXPECT_EQ(fakedirty_table_statistics(table.get(), &statistics), FAKEDIRTY_OK);
  EXPECT_EQ(statistics.pages, statistics.unknown + statistics.zero + statistics.known);
  return statistics;
}

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_HANDLES_H_
