// SPDX-License-Identifier: MIT
// A slot: what the destination holds for one page.
//
// A slot is as wide as a digest. All bytes zero means unknown, which is what fresh memory reads as.
// All bytes zero but a last byte of one means that the page is zero. Every other value is a
// fingerprint. There are no state bits beside the slots, so writers of neighbouring pages share
// nothing (R6).
#ifndef FAKEDIRTY_SRC_CORE_SLOT_H_
#define FAKEDIRTY_SRC_CORE_SLOT_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>

#include "include/fakedirty.h"

namespace fakedirty {

// Digests have five widths. With each of them a constant, comparing and copying need no calls.
template <class Operation>
inline auto WithWidth(size_t bytes, Operation operation) {
  switch (bytes) {
    case 4:
      return operation(std::integral_constant<size_t, 4>());
    case 8:
      return operation(std::integral_constant<size_t, 8>());
    case 16:
      return operation(std::integral_constant<size_t, 16>());
    case 20:
      return operation(std::integral_constant<size_t, 20>());
    default:
      return operation(std::integral_constant<size_t, 32>());
  }
}

inline bool SameBytes(const uint8_t* a, const uint8_t* b, size_t bytes) {
  return WithWidth(bytes, [=](auto width) { return memcmp(a, b, width()) == 0; });
}

inline void CopyBytes(uint8_t* to, const uint8_t* from, size_t bytes) {
  WithWidth(bytes, [=](auto width) { memcpy(to, from, width()); });
}

constexpr uint8_t kUnknown[FAKEDIRTY_DIGEST_BYTES_MAX] = {};

inline bool IsUnknown(const uint8_t* slot, size_t bytes) {
  return SameBytes(slot, kUnknown, bytes);
}

inline bool IsZeroPage(const uint8_t* slot, size_t bytes) {
  uint8_t zero_page[FAKEDIRTY_DIGEST_BYTES_MAX] = {};
  zero_page[bytes - 1] = 1;
  return SameBytes(slot, zero_page, bytes);
}

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_SLOT_H_
