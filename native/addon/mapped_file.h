// SPDX-License-Identifier: MIT
// The JavaScript object of a mapped file.
#ifndef FAKEDIRTY_ADDON_MAPPED_FILE_H_
#define FAKEDIRTY_ADDON_MAPPED_FILE_H_

#include <memory>

#include "addon/javascript.h"
#include "addon/mapping.h"
#include "addon/wrapped.h"

namespace fakedirty_addon {

class MappedFile {
 public:
  static constexpr napi_type_tag kTag = {0x8d1f6f0cb2d94a5e, 0x9a3c5b7e21f04d68};
  static napi_value Define(napi_env env);
  static std::vector<OwnMethod> Methods();
  static std::unique_ptr<MappedFile> New(const Call& call);  // (path)

  // Null when closed. Work that is under way keeps the map.
  const std::shared_ptr<Mapping>& mapping() const { return mapping_; }

 private:
  explicit MappedFile(std::shared_ptr<Mapping> mapping) : mapping_(std::move(mapping)) {}

  napi_value Bytes(const Call& call);
  napi_value HasShrunk(const Call& call);
  napi_value Close(const Call& call);

  std::shared_ptr<Mapping> mapping_;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_MAPPED_FILE_H_
