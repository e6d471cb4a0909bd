// SPDX-License-Identifier: MIT
#include "addon/failure.h"

#include "fakedirty.h"

namespace fakedirty_addon {

Napi::Error LibraryFailure(Napi::Env env, int status) {
  Napi::Error error = Failure(env, "LIBRARY", fakedirty_status_text(status));
  error.Set("status", Napi::Number::New(env, status));
  return error;
}

}  // namespace fakedirty_addon
