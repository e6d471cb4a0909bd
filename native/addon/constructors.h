// SPDX-License-Identifier: MIT
// Classes that the addon itself makes objects of, for each environment (worker threads have their
// own).
#ifndef FAKEDIRTY_ADDON_CONSTRUCTORS_H_
#define FAKEDIRTY_ADDON_CONSTRUCTORS_H_

#include <napi.h>

namespace fakedirty_addon {

struct Constructors {
  static Constructors& Of(Napi::Env env) { return *env.GetInstanceData<Constructors>(); }

  Napi::FunctionReference check;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_CONSTRUCTORS_H_
