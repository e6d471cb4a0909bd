// SPDX-License-Identifier: MIT
#include "addon/javascript.h"

#include <string.h>

#include "fakedirty.h"

namespace fakedirty_addon {

namespace {

template <class Element>
std::optional<View<Element>> ViewIn(Napi::Value value, napi_typedarray_type wanted) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) !=
          napi_ok ||
      type != wanted) {
    return std::nullopt;
  }
  return View<Element>{static_cast<Element*>(data), length};
}

}  // namespace

std::optional<uint64_t> Uint53(double number) {
  constexpr double kMax = 9007199254740992.0;
  if (!(number >= 0 && number <= kMax)) return std::nullopt;
  return static_cast<uint64_t>(number);
}

std::optional<uint64_t> ToUint53(Napi::Value value) {
  double number;
  if (napi_get_value_double(value.Env(), value, &number) != napi_ok) return std::nullopt;
  return Uint53(number);
}

std::optional<uint64_t> ToUint64(Napi::Value value) {
  uint64_t number;
  bool lossless;
  if (napi_get_value_bigint_uint64(value.Env(), value, &number, &lossless) != napi_ok) {
    return std::nullopt;
  }
  return number;
}

std::optional<std::string> ToString(Napi::Value value) {
  if (!value.IsString()) return std::nullopt;
  return value.As<Napi::String>().Utf8Value();
}

bool IsTrue(Napi::Value value) {
  bool is_true;
  return napi_get_value_bool(value.Env(), value, &is_true) == napi_ok && is_true;
}

std::optional<BytesView> ToBytes(Napi::Value value) {
  return ViewIn<uint8_t>(value, napi_uint8_array);
}

std::optional<NumbersView> ToNumbers(Napi::Value value) {
  return ViewIn<double>(value, napi_float64_array);
}

Napi::Value NewNumber(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Value NewBytes(Napi::Env env, const std::vector<uint8_t>& bytes) {
  auto array = Napi::Uint8Array::New(env, bytes.size());
  if (!array.IsEmpty() && !bytes.empty()) memcpy(array.Data(), bytes.data(), bytes.size());
  return array;
}

Napi::Error NewError(Napi::Env env, const char* code, const char* text) {
  Napi::Error error = Napi::Error::New(env, text);
  error.Set("code", code);
  return error;
}

Napi::Error NewLibraryError(Napi::Env env, int status) {
  Napi::Error error = NewError(env, "LIBRARY", fakedirty_status_text(status));
  error.Set("status", static_cast<double>(status));
  return error;
}

Napi::Value Throw(const Napi::Error& error) {
  error.ThrowAsJavaScriptException();
  return Napi::Value();
}

Napi::Value ThrowMisuse(Napi::Env env, const char* text) {
  return Throw(NewError(env, "MISUSE", text));
}

}  // namespace fakedirty_addon
