// SPDX-License-Identifier: MIT
#include "addon/mapped_file.h"

#include <string.h>

#include "addon/wrapped.h"

namespace fakedirty_addon {

napi_value MappedFile::Define(napi_env env) { return DefineClass<MappedFile>(env, "MappedFile"); }

std::vector<OwnMethod> MappedFile::Methods() {
  return {Method<MappedFile, &MappedFile::Bytes>("bytes"),
          Method<MappedFile, &MappedFile::HasShrunk>("hasShrunk"),
          Method<MappedFile, &MappedFile::Close>("close")};
}

std::unique_ptr<MappedFile> MappedFile::New(const Call& call) {
  const std::optional<std::string> path = TextIn(call.env, call[0]);
  if (!path) {
    ThrowMisuse(call.env, "MappedFile(path)");
    return nullptr;
  }
  int error;
  const char* refusal;
  std::shared_ptr<Mapping> mapping = Mapping::Open(*path, &error, &refusal);
  if (!mapping) {
    char text[128];
    Throw(call.env, error ? NewError(call.env, "SYSTEM", strerror_r(error, text, sizeof(text)))
                          : NewError(call.env, "REFUSED", refusal));
    return nullptr;
  }
  return std::unique_ptr<MappedFile>(new MappedFile(std::move(mapping)));
}

napi_value MappedFile::Bytes(const Call& call) {
  return NewNumber(call.env, mapping_ ? mapping_->bytes() : 0);
}

napi_value MappedFile::HasShrunk(const Call& call) {
  return NewBoolean(call.env, mapping_ && mapping_->HasShrunk());
}

napi_value MappedFile::Close(const Call&) {
  mapping_.reset();
  return nullptr;
}

}  // namespace fakedirty_addon
