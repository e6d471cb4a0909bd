// SPDX-License-Identifier: MIT
// The Node-API addon: hands libfakedirty's C ABI to JavaScript. It converts and nothing else;
// lib/fingerprint validates and explains.
#include <napi.h>

#include "addon/constructors.h"
#include "addon/hasher.h"
#include "addon/mapped_file.h"
#include "addon/table.h"
#include "fakedirty.h"

namespace {

Napi::Value Version(const Napi::CallbackInfo& call) {
  return Napi::String::New(call.Env(), fakedirty_version());
}

Napi::Object ToObject(Napi::Env env, const fakedirty_algorithm_properties& algorithm) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("name", algorithm.name);
  object.Set("digestBytes", Napi::Number::New(env, algorithm.digest_bytes));
  object.Set("seedBits", Napi::Number::New(env, algorithm.seed_bits));
  object.Set("keyed", Napi::Boolean::New(env, algorithm.keyed != 0));
  object.Set("collisionBits", algorithm.collision_bits == 0
                                  ? env.Null()
                                  : Napi::Number::New(env, algorithm.collision_bits));
  object.Set("production", Napi::Boolean::New(env, algorithm.production != 0));
  return object;
}

Napi::Value Algorithms(const Napi::CallbackInfo& call) {
  Napi::Array list = Napi::Array::New(call.Env());
  for (int i = 0; const fakedirty_algorithm_properties* algorithm = fakedirty_algorithm_info(i);
       ++i) {
    list[static_cast<uint32_t>(i)] = ToObject(call.Env(), *algorithm);
  }
  return list;
}

// (algorithm, pageSize): the length of a key in bytes; 0 when there is none.
Napi::Value KeyBytes(const Napi::CallbackInfo& call) {
  const size_t bytes = fakedirty_key_bytes(call[0].As<Napi::Number>().Int32Value(),
                                           call[1].As<Napi::Number>().Uint32Value());
  return Napi::Number::New(call.Env(), static_cast<double>(bytes));
}

Napi::Value Targets(const Napi::CallbackInfo& call) {
  Napi::Array list = Napi::Array::New(call.Env());
  for (uint32_t i = 0; const char* name = fakedirty_target_name(i); ++i) {
    list[i] = Napi::String::New(call.Env(), name);
  }
  return list;
}

Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  auto* const constructors = new fakedirty_addon::Constructors;
  constructors->check = Napi::Persistent(fakedirty_addon::Check::Define(env));
  env.SetInstanceData(constructors);  // which deletes it with the environment
  exports.Set("Hasher", fakedirty_addon::Hasher::Define(env));
  exports.Set("Table", fakedirty_addon::Table::Define(env));
  exports.Set("MappedFile", fakedirty_addon::MappedFile::Define(env));
  exports.Set("version", Napi::Function::New<Version>(env, "version"));
  exports.Set("algorithms", Napi::Function::New<Algorithms>(env, "algorithms"));
  exports.Set("keyBytes", Napi::Function::New<KeyBytes>(env, "keyBytes"));
  exports.Set("targets", Napi::Function::New<Targets>(env, "targets"));
  return exports;
}

}  // namespace

NODE_API_MODULE(fakedirty, Initialise)
