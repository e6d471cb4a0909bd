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

// A method of one object alone: it knows what the object owns without looking it up there, which
// would take as long as hashing half a page.
struct OwnMethod {
  const char* name;
  napi_callback call;
};

template <class Owned, napi_value (Owned::*method)(const Call&)>
OwnMethod Method(const char* name) {
  return {name, [](napi_env env, napi_callback_info info) -> napi_value {
            const Call call(env, info);
            return call.data() ? (static_cast<Owned*>(call.data())->*method)(call) : nullptr;
          }};
}

// Each method holds its object, so that what it knows lives as long as itself: neither property can
// be written or deleted.
inline bool AddOwnMethod(napi_env env, napi_value object, void* owned, const OwnMethod& method) {
  napi_property_descriptor holds = {}, has = {};
  holds.utf8name = "object";
  holds.value = object;
  has.utf8name = method.name;
  return napi_create_function(env, method.name, NAPI_AUTO_LENGTH, method.call, owned, &has.value) ==
             napi_ok &&
         napi_define_properties(env, has.value, 1, &holds) == napi_ok &&
         napi_define_properties(env, object, 1, &has) == napi_ok;
}

// A class: Owned::New makes what `new` gives, or throws and answers null; Owned::Methods lists what
// it has.
template <class Owned>
napi_value DefineClass(napi_env env, const char* name) {
  const auto construct = [](napi_env env, napi_callback_info info) -> napi_value {
    napi_value target = nullptr;
    if (napi_get_new_target(env, info, &target) != napi_ok || !target) {
      return ThrowMisuse(env, "call it with new");
    }
    const Call call(env, info);
    std::unique_ptr<Owned> made = Owned::New(call);
    Owned* const owned = made.get();
    if (!owned || !Wrap(env, call.self(), std::move(made))) return nullptr;
    for (const OwnMethod& method : Owned::Methods()) {
      if (!AddOwnMethod(env, call.self(), owned, method)) return nullptr;
    }
    return call.self();
  };
  napi_value constructor = nullptr;
  napi_define_class(env, name, NAPI_AUTO_LENGTH, construct, nullptr, 0, nullptr, &constructor);
  return constructor;
}

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_WRAPPED_H_
