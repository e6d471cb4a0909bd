// SPDX-License-Identifier: MIT
// The JavaScript object of a mapped file.
#ifndef FAKEDIRTY_ADDON_MAPPED_FILE_H_
#define FAKEDIRTY_ADDON_MAPPED_FILE_H_

#include <memory>

#include "addon/javascript.h"
#include "addon/mapping.h"
#include "addon/wrapped.h"

namespace fakedirty_addon {

class MappedFile : public Wrapped<MappedFile> {
 public:
  static constexpr napi_type_tag kTag = {0x8d1f6f0cb2d94a5e, 0x9a3c5b7e21f04d68};
  explicit MappedFile(const Napi::CallbackInfo& call);  // (path)

  // Null when closed. Work that is under way keeps the map.
  const std::shared_ptr<Mapping>& mapping() const { return mapping_; }

 private:
  Napi::Value Bytes(const Napi::CallbackInfo& call);
  Napi::Value HasShrunk(const Napi::CallbackInfo& call);
  Napi::Value Close(const Napi::CallbackInfo& call);

  std::shared_ptr<Mapping> mapping_;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_MAPPED_FILE_H_
