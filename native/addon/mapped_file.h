// SPDX-License-Identifier: MIT
// The JavaScript object of a mapped file.
#ifndef FAKEDIRTY_ADDON_MAPPED_FILE_H_
#define FAKEDIRTY_ADDON_MAPPED_FILE_H_

#include <napi.h>

#include <memory>

#include "addon/mapping.h"

namespace fakedirty_addon {

class MappedFile : public Napi::ObjectWrap<MappedFile> {
 public:
  static Napi::Function Define(Napi::Env env);
  // Null when the value is something else.
  static const MappedFile* From(Napi::Value value);

  explicit MappedFile(const Napi::CallbackInfo& call);  // (path)

  // Null when closed. Work that is under way keeps the map.
  const std::shared_ptr<Mapping>& mapping() const { return mapping_; }

 private:
  Napi::Value Bytes(const Napi::CallbackInfo& call);
  Napi::Value HasShrunk(const Napi::CallbackInfo& call);
  void Close(const Napi::CallbackInfo& call);

  std::shared_ptr<Mapping> mapping_;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_MAPPED_FILE_H_
