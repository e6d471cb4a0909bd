// SPDX-License-Identifier: MIT
// Digests as hexadecimal text.
#ifndef FAKEDIRTY_TEST_HEXADECIMAL_H_
#define FAKEDIRTY_TEST_HEXADECIMAL_H_

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

namespace fakedirty_test {

inline std::string Hexadecimal(const uint8_t* bytes, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

inline std::string Hexadecimal(const std::vector<uint8_t>& bytes) {
  return Hexadecimal(bytes.data(), bytes.size());
}

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_HEXADECIMAL_H_
