// SPDX-License-Identifier: MIT
#include "addon/javascript.h"

#include <string.h>

#include "fakedirty.h"

namespace fakedirty_addon {
namespace {

template <class Element>
std::optional<View<Element>> ViewIn(napi_env env, napi_value value, napi_typedarray_type wanted) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != wanted) {
    return std::nullopt;
  }
  return View<Element>{static_cast<Element*>(data), length};
}

}  // namespace

std::optional<uint64_t> WholeNumber(double number) {
  constexpr double kMost = 9007199254740992.0;
  if (!(number >= 0 && number <= kMost)) return std::nullopt;
  return static_cast<uint64_t>(number);
}

std::optional<uint64_t> WholeNumberIn(napi_env env, napi_value value) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) return std::nullopt;
  return WholeNumber(number);
}

std::optional<uint64_t> BigIntIn(napi_env env, napi_value value) {
  uint64_t number;
  bool lossless;
  if (napi_get_value_bigint_uint64(env, value, &number, &lossless) != napi_ok) return std::nullopt;
  return number;
}

std::optional<std::string> TextIn(napi_env env, napi_value value) {
  size_t bytes;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &bytes) != napi_ok) return std::nullopt;
  std::string text(bytes, '\0');
  if (napi_get_value_string_utf8(env, value, text.data(), bytes + 1, &bytes) != napi_ok) {
    return std::nullopt;
  }
  return text;
}

bool IsTrue(napi_env env, napi_value value) {
  bool is_true;
  return napi_get_value_bool(env, value, &is_true) == napi_ok && is_true;
}

std::optional<BytesView> BytesIn(napi_env env, napi_value value) {
  return ViewIn<uint8_t>(env, value, napi_uint8_array);
}

std::optional<NumbersView> NumbersIn(napi_env env, napi_value value) {
  return ViewIn<double>(env, value, napi_float64_array);
}

napi_value Null(napi_env env) {
  napi_value null = nullptr;
  napi_get_null(env, &null);
  return null;
}

napi_value NewBoolean(napi_env env, bool value) {
  napi_value boolean = nullptr;
  napi_get_boolean(env, value, &boolean);
  return boolean;
}

napi_value NewNumber(napi_env env, uint64_t value) {
  napi_value number = nullptr;
  napi_create_double(env, static_cast<double>(value), &number);
  return number;
}

napi_value NewText(napi_env env, const char* text) {
  napi_value string = nullptr;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &string);
  return string;
}

napi_value NewBytes(napi_env env, const std::vector<uint8_t>& bytes) {
  void* data;
  napi_value buffer, array;
  if (napi_create_arraybuffer(env, bytes.size(), &data, &buffer) != napi_ok ||
      napi_create_typedarray(env, napi_uint8_array, bytes.size(), buffer, 0, &array) != napi_ok) {
    return nullptr;
  }
  if (!bytes.empty()) memcpy(data, bytes.data(), bytes.size());
  return array;
}

napi_value NewObject(napi_env env) {
  napi_value object = nullptr;
  napi_create_object(env, &object);
  return object;
}

napi_value NewArray(napi_env env) {
  napi_value array = nullptr;
  napi_create_array(env, &array);
  return array;
}

void Set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

void Append(napi_env env, napi_value array, napi_value value) {
  uint32_t length;
  if (napi_get_array_length(env, array, &length) == napi_ok) {
    napi_set_element(env, array, length, value);
  }
}

napi_value NewError(napi_env env, const char* code, const char* text) {
  napi_value error = nullptr;
  napi_create_error(env, NewText(env, code), NewText(env, text), &error);
  return error;
}

napi_value NewLibraryError(napi_env env, int status) {
  const napi_value error = NewError(env, "LIBRARY", fakedirty_status_text(status));
  napi_value number = nullptr;
  napi_create_int32(env, status, &number);
  Set(env, error, "status", number);
  return error;
}

napi_value Throw(napi_env env, napi_value error) {
  napi_throw(env, error);
  return nullptr;
}

napi_value ThrowMisuse(napi_env env, const char* text) {
  return Throw(env, NewError(env, "MISUSE", text));
}

}  // namespace fakedirty_addon
