// SPDX-License-Identifier: MIT
// JavaScript objects that own a C++ one, which is deleted with them or with their environment.
//
// Owned has kTag, a napi_type_tag of its own.
#ifndef FAKEDIRTY_ADDON_WRAPPED_H_
#define FAKEDIRTY_ADDON_WRAPPED_H_

#include <memory>
#include <vector>

#include "addon/javascript.h"

namespace fakedirty_addon {

// Whether object owns it from now on; if not, it is gone.
template <class Owned>
bool Wrap(napi_env env, napi_value object, std::unique_ptr<Owned> owned) {
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<Owned*>(data); };
  if (napi_wrap(env, object, owned.get(), finalize, nullptr, nullptr) != napi_ok) return false;
  static_cast<void>(owned.release());
  return napi_type_tag_object(env, object, &Owned::kTag) == napi_ok;
}

// What value owns; null when it is something else.
template <class Owned>
Owned* Unwrap(napi_env env, napi_value value) {
  napi_valuetype type;
  bool is_one = false;
  void* owned = nullptr;
  const bool known = napi_typeof(env, value, &type) == napi_ok && type == napi_object &&
                     napi_check_object_type_tag(env, value, &Owned::kTag, &is_one) == napi_ok &&
                     is_one && napi_unwrap(env, value, &owned) == napi_ok;
  return known ? static_cast<Owned*>(owned) : nullptr;
}

// The object a method is called on. The engine lets methods be called on objects of their class
// only.
template <class Owned>
Owned* Self(const Call& call) {
  void* owned = nullptr;
  return napi_unwrap(call.env, call.self(), &owned) == napi_ok ? static_cast<Owned*>(owned)
                                                               : nullptr;
}

template <class Owned, napi_value (Owned::*method)(const Call&)>
napi_property_descriptor Method(const char* name) {
  napi_property_descriptor descriptor = {};
  descriptor.utf8name = name;
  descriptor.method = [](napi_env env, napi_callback_info info) -> napi_value {
    const Call call(env, info);
    Owned* const self = Self<Owned>(call);
    return self ? (self->*method)(call) : nullptr;
  };
  return descriptor;
}

// A class: Owned::New makes what `new` gives, or throws and answers null.
template <class Owned>
napi_value DefineClass(napi_env env, const char* name,
                       const std::vector<napi_property_descriptor>& methods) {
  const auto construct = [](napi_env env, napi_callback_info info) -> napi_value {
    napi_value target = nullptr;
    if (napi_get_new_target(env, info, &target) != napi_ok || !target) {
      return ThrowMisuse(env, "call it with new");
    }
    const Call call(env, info);
    std::unique_ptr<Owned> owned = Owned::New(call);
    return owned && Wrap(env, call.self(), std::move(owned)) ? call.self() : nullptr;
  };
  napi_value constructor = nullptr;
  napi_define_class(env, name, NAPI_AUTO_LENGTH, construct, nullptr, methods.size(), methods.data(),
                    &constructor);
  return constructor;
}

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_WRAPPED_H_
