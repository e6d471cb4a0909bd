// SPDX-License-Identifier: MIT
// The Node-API addon: hands libfakedirty's C ABI to JavaScript. It converts and nothing else;
// lib/fingerprint validates and explains.
#include "addon/hasher.h"
#include "addon/javascript.h"
#include "addon/mapped_file.h"
#include "addon/table.h"
#include "fakedirty.h"

namespace fakedirty_addon {
namespace {

napi_value Version(const Call& call) { return NewText(call.env, fakedirty_version()); }

napi_value ToObject(napi_env env, const fakedirty_algorithm_properties& algorithm) {
  const napi_value object = NewObject(env);
  Set(env, object, "name", NewText(env, algorithm.name));
  Set(env, object, "digestBytes", NewNumber(env, algorithm.digest_bytes));
  Set(env, object, "seedBits", NewNumber(env, algorithm.seed_bits));
  Set(env, object, "keyed", NewBoolean(env, algorithm.keyed != 0));
  Set(env, object, "collisionBits",
      algorithm.collision_bits == 0 ? Null(env) : NewNumber(env, algorithm.collision_bits));
  Set(env, object, "production", NewBoolean(env, algorithm.production != 0));
  return object;
}

napi_value Algorithms(const Call& call) {
  const napi_value list = NewArray(call.env);
  for (int i = 0; const fakedirty_algorithm_properties* algorithm = fakedirty_algorithm_info(i);
       ++i) {
    Append(call.env, list, ToObject(call.env, *algorithm));
  }
  return list;
}

// (algorithm, pageSize): the length of a key in bytes; 0 when there is none.
napi_value KeyBytes(const Call& call) {
  const std::optional<uint64_t> algorithm = WholeNumberIn(call.env, call[0]);
  const std::optional<uint64_t> page_size = WholeNumberIn(call.env, call[1]);
  if (!algorithm || !page_size) return ThrowMisuse(call.env, "keyBytes(algorithm, pageSize)");
  return NewNumber(call.env, fakedirty_key_bytes(static_cast<int>(*algorithm),
                                                 static_cast<uint32_t>(*page_size)));
}

napi_value Targets(const Call& call) {
  const napi_value list = NewArray(call.env);
  for (uint32_t i = 0; const char* name = fakedirty_target_name(i); ++i) {
    Append(call.env, list, NewText(call.env, name));
  }
  return list;
}

template <napi_value (*function)(const Call&)>
void Export(napi_env env, napi_value exports, const char* name) {
  const auto callback = [](napi_env env, napi_callback_info info) {
    return function(Call(env, info));
  };
  napi_value value = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &value);
  Set(env, exports, name, value);
}

napi_value Initialise(napi_env env, napi_value exports) {
  Set(env, exports, "Hasher", Hasher::Define(env));
  Set(env, exports, "Table", Table::Define(env));
  Set(env, exports, "MappedFile", MappedFile::Define(env));
  Export<Version>(env, exports, "version");
  Export<Algorithms>(env, exports, "algorithms");
  Export<KeyBytes>(env, exports, "keyBytes");
  Export<Targets>(env, exports, "targets");
  return exports;
}

}  // namespace
}  // namespace fakedirty_addon

NAPI_MODULE_INIT() { return fakedirty_addon::Initialise(env, exports); }
