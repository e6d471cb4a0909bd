// SPDX-License-Identifier: MIT
// Pages to read: in a JavaScript view or in a mapped file.
#ifndef FAKEDIRTY_ADDON_SOURCE_H_
#define FAKEDIRTY_ADDON_SOURCE_H_

#include <napi.h>
#include <stdint.h>

#include <memory>
#include <optional>
#include <vector>

#include "addon/mapping.h"

namespace fakedirty_addon {

// The bytes of a Uint8Array, over shared memory or not, where they lie. Valid until JavaScript runs
// again: it can detach and resize what is not shared.
struct View {
  static std::optional<View> Of(napi_env env, napi_value value);
  static std::optional<View> Of(Napi::Value value) { return Of(value.Env(), value); }
  uint8_t* data;
  size_t bytes;
};

// Bytes that outlive the call: read by a background thread.
class Source {
 public:
  // From (Uint8Array, shared: boolean) or (MappedFile, offset, bytes); throws when it is neither.
  // A view of memory that JavaScript can take away is copied.
  static std::optional<Source> From(const Napi::CallbackInfo& call, size_t argument);

  const uint8_t* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  // Whether somebody else may write the bytes while they are read.
  bool live() const { return live_; }
  bool HasShrunk() const { return mapping_ && mapping_->HasShrunk(); }

 private:
  const uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
  bool live_ = false;
  std::vector<uint8_t> copy_;
  std::shared_ptr<Mapping> mapping_;
  Napi::ObjectReference shared_;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_SOURCE_H_
