// SPDX-License-Identifier: MIT
// What the addon asks of JavaScript, in plain Node-API.
//
// A worker thread can be terminated at any moment, between two calls as well: from then on most
// calls fail, and nothing can be thrown. So nothing here ends the process: what fails is null, null
// is passed on, and only what is about to be read or written in C++ is checked.
#ifndef FAKEDIRTY_ADDON_JAVASCRIPT_H_
#define FAKEDIRTY_ADDON_JAVASCRIPT_H_

#include <node_api.h>
#include <stddef.h>
#include <stdint.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fakedirty_addon {

// A call from JavaScript. Arguments that are not given are undefined.
class Call {
 public:
  Call(napi_env env, napi_callback_info info) : env(env) {
    size_t count = kMost;
    napi_get_cb_info(env, info, &count, arguments_, &self_, &data_);
  }

  napi_value operator[](size_t i) const { return arguments_[i]; }
  napi_value self() const { return self_; }
  // What the function was made with.
  void* data() const { return data_; }

  const napi_env env;

 private:
  static constexpr size_t kMost = 5;
  napi_value arguments_[kMost] = {};
  napi_value self_ = nullptr;
  void* data_ = nullptr;
};

// Empty when the number is none that counts something: from 0 to 2^53.
std::optional<uint64_t> WholeNumber(double number);

// A value's C++ counterpart; empty when the value is of another type.
std::optional<uint64_t> WholeNumberIn(napi_env env, napi_value value);
std::optional<uint64_t> BigIntIn(napi_env env, napi_value value);
std::optional<std::string> TextIn(napi_env env, napi_value value);
bool IsTrue(napi_env env, napi_value value);

// The elements of a Uint8Array or a Float64Array, over shared memory or not, where they lie. Valid
// until JavaScript runs again: it can detach and resize what is not shared.
template <class Element>
struct View {
  Element* data;
  size_t length;
};
using BytesView = View<uint8_t>;
using NumbersView = View<double>;
std::optional<BytesView> BytesIn(napi_env env, napi_value value);
std::optional<NumbersView> NumbersIn(napi_env env, napi_value value);

napi_value Null(napi_env env);
napi_value NewBoolean(napi_env env, bool value);
napi_value NewNumber(napi_env env, uint64_t value);
napi_value NewText(napi_env env, const char* text);
napi_value NewBytes(napi_env env, const std::vector<uint8_t>& bytes);
napi_value NewObject(napi_env env);
napi_value NewArray(napi_env env);
void Set(napi_env env, napi_value object, const char* name, napi_value value);
void Append(napi_env env, napi_value array, napi_value value);

// Errors with a code that lib/fingerprint understands.
napi_value NewError(napi_env env, const char* code, const char* text);
// What libfakedirty answered when it was not FAKEDIRTY_OK.
napi_value NewLibraryError(napi_env env, int status);

// For `return Throw(...)`.
napi_value Throw(napi_env env, napi_value error);
// For what lib/fingerprint should have caught: wrong types and lengths.
napi_value ThrowMisuse(napi_env env, const char* text);

// Keeps a value alive.
class Reference {
 public:
  Reference() = default;
  Reference(napi_env env, napi_value value) : env_(env) {
    napi_create_reference(env, value, 1, &reference_);
  }
  ~Reference() {
    if (reference_) napi_delete_reference(env_, reference_);
  }
  Reference(Reference&& other) noexcept
      : env_(other.env_), reference_(std::exchange(other.reference_, nullptr)) {}
  Reference& operator=(Reference&& other) noexcept {
    std::swap(env_, other.env_);
    std::swap(reference_, other.reference_);
    return *this;
  }

 private:
  napi_env env_ = nullptr;
  napi_ref reference_ = nullptr;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_JAVASCRIPT_H_
