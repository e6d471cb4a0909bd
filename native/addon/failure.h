// SPDX-License-Identifier: MIT
// How the addon says that something failed: an Error with a code that lib/fingerprint understands.
#ifndef FAKEDIRTY_ADDON_FAILURE_H_
#define FAKEDIRTY_ADDON_FAILURE_H_

#include <napi.h>

#include <string>

namespace fakedirty_addon {

inline Napi::Error Failure(Napi::Env env, const char* code, const std::string& text) {
  Napi::Error error = Napi::Error::New(env, text);
  error.Set("code", code);
  return error;
}

inline void Throw(Napi::Env env, const char* code, const std::string& text) {
  Failure(env, code, text).ThrowAsJavaScriptException();
}

// What libfakedirty answered when it was not FAKEDIRTY_OK.
Napi::Error LibraryFailure(Napi::Env env, int status);

// For what lib/fingerprint should have caught: wrong types and lengths.
inline void ThrowMisuse(Napi::Env env, const char* text) { Throw(env, "MISUSE", text); }

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_FAILURE_H_
