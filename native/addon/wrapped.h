// SPDX-License-Identifier: MIT
// JavaScript objects that own a C++ one, which is deleted with them or with their environment.
//
// Each class has kTag, a napi_type_tag of its own.
#ifndef FAKEDIRTY_ADDON_WRAPPED_H_
#define FAKEDIRTY_ADDON_WRAPPED_H_

#include <memory>

#include "addon/javascript.h"

namespace fakedirty_addon {

// A class T of JavaScript derives from it. When its constructor has made all that they need, it
// adds the methods to the new object.
template <class T>
class Wrapped : public Napi::ObjectWrap<T> {
 public:
  static Napi::Function Define(Napi::Env env, const char* name) {
    return T::DefineClass(env, name, {});
  }

  // What value owns; null when it is something else.
  static T* From(Napi::Value value) {
    if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&T::kTag)) return nullptr;
    return T::Unwrap(value.As<Napi::Object>());
  }

 protected:
  explicit Wrapped(const Napi::CallbackInfo& call) : Napi::ObjectWrap<T>(call) {
    call.This().template As<Napi::Object>().TypeTag(&T::kTag);
  }

  using MethodOf = Napi::Value (T::*)(const Napi::CallbackInfo&);

  // A method of one object alone: it knows the object without looking it up, which would take as
  // long as hashing half a page. It holds its object, so that what it knows lives as long as
  // itself: neither property can be written or deleted.
  template <MethodOf method>
  void AddMethod(const Napi::CallbackInfo& call, const char* name) {
    const auto function = Napi::Function::New<Call<method>>(call.Env(), name, this);
    if (function.IsEmpty()) return;
    const auto object = call.This().As<Napi::Object>();
    function.DefineProperty(Napi::PropertyDescriptor::Value("object", object));
    object.DefineProperty(Napi::PropertyDescriptor::Value(name, function));
  }

 private:
  template <MethodOf method>
  static Napi::Value Call(const Napi::CallbackInfo& call) {
    return (static_cast<T*>(static_cast<Wrapped*>(call.Data()))->*method)(call);
  }
};

// An opaque value that owns a C++ one; empty when it could not be made, and owned is gone then.
template <class Owned>
Napi::Value NewExternal(Napi::Env env, std::unique_ptr<Owned> owned) {
  const auto external = Napi::External<Owned>::New(
      env, owned.get(), [](Napi::BasicEnv, Owned* owned) { delete owned; });
  if (external.IsEmpty()) return external;
  static_cast<void>(owned.release());
  external.TypeTag(&Owned::kTag);
  return external;
}

// What value owns; null when it is something else.
template <class Owned>
Owned* ExternalIn(Napi::Value value) {
  if (!value.IsExternal()) return nullptr;
  const auto external = value.As<Napi::External<Owned>>();
  return external.CheckTypeTag(&Owned::kTag) ? external.Data() : nullptr;
}

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_WRAPPED_H_
