// SPDX-License-Identifier: MIT
// A guest's RAM file, mapped read-only.
//
// Reading a map past the end of its file raises SIGBUS, and a file may be cut short while it is
// read. A handler of ours puts a page of zeros where the file no longer is and makes a note, so
// that reading goes on to its end and is then reported as worthless.
#ifndef FAKEDIRTY_ADDON_MAPPING_H_
#define FAKEDIRTY_ADDON_MAPPING_H_

#include <stdint.h>

#include <memory>
#include <string>

#include "addon/holes.h"

namespace fakedirty_addon {

struct Region;  // what the signal handler knows of a map

class Mapping {
 public:
  // Null when it can't be: error is an errno, or 0 with the reason in refusal.
  static std::shared_ptr<Mapping> Open(const std::string& path, int* error, const char** refusal);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  const uint8_t* data() const { return data_; }
  uint64_t bytes() const { return bytes_; }
  // Where nothing lies, and reading would take memory, of so many bytes from an offset on.
  Holes HolesIn(uint64_t offset, size_t bytes) const;
  // Whether it has ever been shorter than when it was opened, as far as anyone noticed.
  bool HasShrunk() const;

 private:
  Mapping() = default;

  int file_ = -1;
  bool holes_take_memory_ = false;
  const uint8_t* data_ = nullptr;
  uint64_t bytes_ = 0;
  Region* region_ = nullptr;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_MAPPING_H_
