// SPDX-License-Identifier: MIT
#include "addon/mapped_file.h"

#include <string.h>

#include "addon/failure.h"

namespace fakedirty_addon {
namespace {

constexpr napi_type_tag kTag = {0x8d1f6f0cb2d94a5e, 0x9a3c5b7e21f04d68};

}  // namespace

Napi::Function MappedFile::Define(Napi::Env env) {
  return DefineClass(env, "MappedFile",
                     {InstanceMethod<&MappedFile::Bytes>("bytes"),
                      InstanceMethod<&MappedFile::HasShrunk>("hasShrunk"),
                      InstanceMethod<&MappedFile::Close>("close")});
}

const MappedFile* MappedFile::From(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kTag)) return nullptr;
  return Unwrap(value.As<Napi::Object>());
}

MappedFile::MappedFile(const Napi::CallbackInfo& call) : ObjectWrap(call) {
  call.This().As<Napi::Object>().TypeTag(&kTag);
  if (!call[0].IsString()) {
    ThrowMisuse(Env(), "a path is a string");
    return;
  }
  int error;
  const char* refusal;
  mapping_ = Mapping::Open(call[0].As<Napi::String>().Utf8Value(), &error, &refusal);
  if (!mapping_) Throw(Env(), error ? "SYSTEM" : "REFUSED", error ? strerror(error) : refusal);
}

Napi::Value MappedFile::Bytes(const Napi::CallbackInfo&) {
  return Napi::Number::New(Env(), mapping_ ? static_cast<double>(mapping_->bytes()) : 0);
}

Napi::Value MappedFile::HasShrunk(const Napi::CallbackInfo&) {
  return Napi::Boolean::New(Env(), mapping_ && mapping_->HasShrunk());
}

void MappedFile::Close(const Napi::CallbackInfo&) { mapping_.reset(); }

}  // namespace fakedirty_addon
