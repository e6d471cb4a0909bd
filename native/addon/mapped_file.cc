// SPDX-License-Identifier: MIT
#include "addon/mapped_file.h"

#include <string.h>

#include "addon/wrapped.h"

namespace fakedirty_addon {
namespace {

// strerror_r returns the text in glibc, and a number in musl, which has put the text into the
// buffer.
const char* TextOf(const char* result, const char*) { return result; }
[[maybe_unused]] const char* TextOf(int, const char* buffer) { return buffer; }

}  // namespace

MappedFile::MappedFile(const Napi::CallbackInfo& call) : Wrapped(call) {
  const std::optional<std::string> path = ToString(call[0]);
  if (!path) {
    ThrowMisuse(call.Env(), "MappedFile(path)");
    return;
  }
  int error;
  const char* refusal;
  mapping_ = Mapping::Open(*path, &error, &refusal);
  if (!mapping_) {
    char text[128] = "";
    Throw(error
              ? NewError(call.Env(), "SYSTEM", TextOf(strerror_r(error, text, sizeof(text)), text))
              : NewError(call.Env(), "REFUSED", refusal));
    return;
  }
  AddMethod<&MappedFile::Bytes>(call, "bytes");
  AddMethod<&MappedFile::HasShrunk>(call, "hasShrunk");
  AddMethod<&MappedFile::Close>(call, "close");
}

Napi::Value MappedFile::Bytes(const Napi::CallbackInfo& call) {
  return NewNumber(call.Env(), mapping_ ? mapping_->bytes() : 0);
}

Napi::Value MappedFile::HasShrunk(const Napi::CallbackInfo& call) {
  return Napi::Boolean::New(call.Env(), mapping_ && mapping_->HasShrunk());
}

Napi::Value MappedFile::Close(const Napi::CallbackInfo&) {
  mapping_.reset();
  return Napi::Value();
}

}  // namespace fakedirty_addon
