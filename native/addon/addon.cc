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

Napi::Value Version(const Napi::CallbackInfo& call) {
  return Napi::String::New(call.Env(), fakedirty_version());
}

Napi::Object ToObject(Napi::Env env, const fakedirty_algorithm_properties& algorithm) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("name", algorithm.name);
  object.Set("digestBytes", NewNumber(env, algorithm.digest_bytes));
  object.Set("seedBits", NewNumber(env, algorithm.seed_bits));
  object.Set("keyed", algorithm.keyed != 0);
  object.Set("collisionBits",
             algorithm.collision_bits == 0 ? env.Null() : NewNumber(env, algorithm.collision_bits));
  object.Set("production", algorithm.production != 0);
  return object;
}

Napi::Value Algorithms(const Napi::CallbackInfo& call) {
  Napi::Array list = Napi::Array::New(call.Env());
  for (int i = 0; const fakedirty_algorithm_properties* algorithm = fakedirty_algorithm_info(i);
       ++i) {
    list.Set(static_cast<uint32_t>(i), ToObject(call.Env(), *algorithm));
  }
  return list;
}

// (algorithm, pageSize): the length of a key in bytes; 0 when there is none.
Napi::Value KeyBytes(const Napi::CallbackInfo& call) {
  const std::optional<uint64_t> algorithm = ToUint53(call[0]);
  const std::optional<uint64_t> page_size = ToUint53(call[1]);
  if (!algorithm || !page_size) return ThrowMisuse(call.Env(), "keyBytes(algorithm, pageSize)");
  return NewNumber(call.Env(), fakedirty_key_bytes(static_cast<int>(*algorithm),
                                                   static_cast<uint32_t>(*page_size)));
}

Napi::Value Targets(const Napi::CallbackInfo& call) {
  Napi::Array list = Napi::Array::New(call.Env());
  for (uint32_t i = 0; const char* name = fakedirty_target_name(i); ++i) list.Set(i, name);
  return list;
}

Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("Hasher", Hasher::Define(env, "Hasher"));
  exports.Set("Table", Table::Define(env, "Table"));
  exports.Set("MappedFile", MappedFile::Define(env, "MappedFile"));
  exports.Set("version", Napi::Function::New<Version>(env, "version"));
  exports.Set("algorithms", Napi::Function::New<Algorithms>(env, "algorithms"));
  exports.Set("keyBytes", Napi::Function::New<KeyBytes>(env, "keyBytes"));
  exports.Set("targets", Napi::Function::New<Targets>(env, "targets"));
  return exports;
}

NODE_API_MODULE(fakedirty, Initialise)

}  // namespace
}  // namespace fakedirty_addon
