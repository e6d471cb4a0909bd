// SPDX-License-Identifier: MIT
// Values of JavaScript to C++ and back, where node-addon-api alone is not enough.
//
// A worker thread can be terminated at any moment, between two calls as well: from then on most
// calls fail, nothing can be thrown, and what a call should have made is empty. An empty value may
// be passed on and returned; whoever asks it for something ends the process. So what was made is
// checked before it is read, written or asked (docs/decisions/node-api.md).
#ifndef FAKEDIRTY_ADDON_JAVASCRIPT_H_
#define FAKEDIRTY_ADDON_JAVASCRIPT_H_

#include <napi.h>
#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <string>
#include <vector>

namespace fakedirty_addon {

// Empty unless the number is from 0 to 2^53; a fraction is dropped.
std::optional<uint64_t> Uint53(double number);

// A value's C++ counterpart; empty if the value has another type. One call of Node-API each: the
// call itself checks the type.
std::optional<uint64_t> ToUint53(Napi::Value value);
std::optional<uint64_t> ToUint64(Napi::Value value);
std::optional<std::string> ToString(Napi::Value value);
bool IsTrue(Napi::Value value);

// The elements of a Uint8Array or a Float64Array, over shared memory or not, where they lie. Valid
// until JavaScript runs again: it can detach and resize what is not shared.
template <class Element>
struct View {
  Element* data;
  size_t length;
};
using BytesView = View<uint8_t>;
using NumbersView = View<double>;
std::optional<BytesView> ToBytes(Napi::Value value);
std::optional<NumbersView> ToNumbers(Napi::Value value);

Napi::Value NewNumber(Napi::Env env, uint64_t value);
Napi::Value NewBytes(Napi::Env env, const std::vector<uint8_t>& bytes);

// Errors with a code that lib/fingerprint understands.
Napi::Error NewError(Napi::Env env, const char* code, const char* text);
// For a status of libfakedirty other than FAKEDIRTY_OK.
Napi::Error NewLibraryError(Napi::Env env, int status);

// For `return Throw(...)`.
Napi::Value Throw(const Napi::Error& error);
// For what lib/fingerprint should have caught: wrong types and lengths.
Napi::Value ThrowMisuse(Napi::Env env, const char* text);

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_JAVASCRIPT_H_
