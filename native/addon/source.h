// SPDX-License-Identifier: MIT
// Pages to read that outlive the call: in a JavaScript view or in a mapped file.
#ifndef FAKEDIRTY_ADDON_SOURCE_H_
#define FAKEDIRTY_ADDON_SOURCE_H_

#include <stdint.h>

#include <memory>
#include <optional>
#include <vector>

#include "addon/javascript.h"
#include "addon/mapping.h"

namespace fakedirty_addon {

class Source {
 public:
  // From (Uint8Array, shared: boolean) or (MappedFile, offset, bytes); throws when it is neither.
  // A view of memory that JavaScript can take away is copied.
  static std::optional<Source> From(const Napi::CallbackInfo& call, size_t argument);

  size_t bytes() const { return bytes_; }
  // Where each page is to be read: what lies in a hole of a mapped file, elsewhere. Asks the
  // system: for the thread that reads.
  std::vector<const void*> Pages(size_t page_size) const;
  // Whether somebody else may write the bytes while they are read.
  bool live() const { return live_; }
  bool HasShrunk() const { return mapping_ && mapping_->HasShrunk(); }

 private:
  const uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
  bool live_ = false;
  std::vector<uint8_t> copy_;
  std::shared_ptr<Mapping> mapping_;
  uint64_t offset_ = 0;  // in the mapped file
  Napi::ObjectReference shared_;
};

// Pages that lie one behind another.
std::vector<const void*> PagesAt(const uint8_t* bytes, size_t count, size_t page_size);

// Why work on a source has failed, if it has; empty if not.
Napi::Value NewSourceError(Napi::Env env, int status, const Source& source);

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_SOURCE_H_
