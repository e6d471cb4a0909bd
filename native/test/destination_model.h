// SPDX-License-Identifier: MIT
// What a destination holds, page by page, and the verdicts that follow: the filter without
// fingerprints.
#ifndef FAKEDIRTY_TEST_DESTINATION_MODEL_H_
#define FAKEDIRTY_TEST_DESTINATION_MODEL_H_

#include <stdint.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "include/fakedirty.h"

namespace fakedirty_test {

using Contents = std::vector<uint8_t>;

inline bool IsZero(const Contents& page) {
  return std::all_of(page.begin(), page.end(), [](uint8_t byte) { return byte == 0; });
}

class DestinationModel {
 public:
  explicit DestinationModel(uint64_t pages) : held_(pages) {}

  int Verdict(uint64_t index, const Contents& page) const {
    const std::optional<Contents>& held = held_[index];
    if (held && *held == page) return FAKEDIRTY_UNCHANGED;
    if (IsZero(page)) return FAKEDIRTY_ZERO;
    return held ? FAKEDIRTY_CHANGED : FAKEDIRTY_FIRST;
  }

  void Receive(uint64_t index, const Contents& page) { held_[index] = page; }

  void Invalidate(uint64_t first, uint64_t pages) {
    std::fill_n(held_.begin() + static_cast<ptrdiff_t>(first), pages, std::nullopt);
  }

  void Reset() { Invalidate(0, held_.size()); }

  // What the table should count, except bytes and false skips.
  fakedirty_statistics Statistics() const {
    fakedirty_statistics statistics = {};
    for (const std::optional<Contents>& held : held_) {
      ++statistics.pages;
      ++(!held ? statistics.unknown : IsZero(*held) ? statistics.zero : statistics.known);
    }
    return statistics;
  }

 private:
  std::vector<std::optional<Contents>> held_;
};

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_DESTINATION_MODEL_H_
