// SPDX-License-Identifier: MIT
#include "addon/hasher.h"

#include <string.h>

#include <algorithm>
#include <string>
#include <vector>

#include "addon/background.h"
#include "addon/failure.h"
#include "addon/source.h"

namespace fakedirty_addon {
namespace {

constexpr napi_type_tag kTag = {0x3b6e1ac97d5f4e02, 0xb18d90f4c6a27e53};

Napi::Value NewBytes(Napi::Env env, const std::vector<uint8_t>& bytes) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, bytes.size());
  if (!bytes.empty()) memcpy(array.Data(), bytes.data(), bytes.size());
  return array;
}

struct DigestTask {
  std::shared_ptr<const SharedHasher> hasher;
  Source source;
  std::vector<uint8_t> digests;
  int status = FAKEDIRTY_OK;

  void Run() {
    const size_t pages = source.bytes() / hasher->page_size;
    digests.resize(pages * hasher->digest_bytes);
    status = hasher->Digest(source.data(), pages, digests.data());
  }

  Napi::Value Finish(Napi::Env env) {
    if (status != FAKEDIRTY_OK) {
      LibraryFailure(env, status).ThrowAsJavaScriptException();
    } else if (source.HasShrunk()) {
      Throw(env, "SHRUNK", "the file has become shorter");
    }
    return env.IsExceptionPending() ? env.Undefined() : NewBytes(env, digests);
  }
};

}  // namespace

int SharedHasher::Digest(const uint8_t* bytes, size_t pages, uint8_t* digests) const {
  constexpr size_t kBatch = 256;
  const void* batch[kBatch];
  for (size_t done = 0; done < pages;) {
    const size_t count = std::min(kBatch, pages - done);
    for (size_t i = 0; i < count; ++i) batch[i] = bytes + (done + i) * page_size;
    const int status =
        fakedirty_digest(hasher, batch, count, digests + done * digest_bytes, count * digest_bytes);
    if (status != FAKEDIRTY_OK) return status;
    done += count;
  }
  return FAKEDIRTY_OK;
}

Napi::Function Hasher::Define(Napi::Env env) {
  napi_property_descriptor digest = {};
  digest.utf8name = "digest";
  digest.method = Digest;
  return DefineClass(
      env, "Hasher",
      {InstanceMethod<&Hasher::Target>("target"), InstanceMethod<&Hasher::Lanes>("lanes"), digest,
       InstanceMethod<&Hasher::DigestInBackground>("digestInBackground"),
       InstanceMethod<&Hasher::Close>("close")});
}

std::shared_ptr<const SharedHasher> Hasher::From(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kTag)) return nullptr;
  return Unwrap(value.As<Napi::Object>())->hasher_;
}

Hasher::Hasher(const Napi::CallbackInfo& call) : ObjectWrap(call) {
  call.This().As<Napi::Object>().TypeTag(&kTag);
  if (!call[0].IsNumber() || !call[1].IsNumber() || !call[2].IsBigInt()) {
    ThrowMisuse(Env(), "Hasher(algorithm, pageSize, seed, key, target)");
    return;
  }
  const std::optional<View> key = View::Of(call[3]);
  const std::string target = call[4].IsString() ? call[4].As<Napi::String>().Utf8Value() : "";
  bool lossless;
  fakedirty_hasher_options options = {};
  options.size = sizeof(options);
  options.algorithm = call[0].As<Napi::Number>().Int32Value();
  options.page_size = call[1].As<Napi::Number>().Uint32Value();
  options.seed = call[2].As<Napi::BigInt>().Uint64Value(&lossless);
  options.key = key ? key->data : nullptr;
  options.key_bytes = key ? key->bytes : 0;
  options.target = target.empty() ? nullptr : target.c_str();
  fakedirty_hasher* hasher;
  const int status = fakedirty_hasher_create(&options, &hasher);
  if (status != FAKEDIRTY_OK) {
    LibraryFailure(Env(), status).ThrowAsJavaScriptException();
    return;
  }
  hasher_ = std::make_shared<const SharedHasher>(
      hasher, options.page_size, fakedirty_algorithm_info(options.algorithm)->digest_bytes);
  constexpr size_t kKeyLayouts = 3;  // as laid out for the kernels, with room around
  held_.Set(static_cast<int64_t>(kKeyLayouts *
                                 fakedirty_key_bytes(options.algorithm, options.page_size)));
}

Napi::Value Hasher::Target(const Napi::CallbackInfo&) {
  return Napi::String::New(Env(), hasher_ ? fakedirty_hasher_target(hasher_->hasher) : "");
}

Napi::Value Hasher::Lanes(const Napi::CallbackInfo&) {
  return Napi::Number::New(
      Env(), hasher_ ? static_cast<double>(fakedirty_hasher_lanes(hasher_->hasher)) : 0);
}

// Page by page the call itself is what costs: plain Node-API does it in half the time.
napi_value Hasher::Digest(napi_env env, napi_callback_info call) {
  size_t count = 2;
  napi_value arguments[2], self;
  void* object = nullptr;
  if (napi_get_cb_info(env, call, &count, arguments, &self, nullptr) != napi_ok ||
      napi_unwrap(env, self, &object) != napi_ok) {
    ThrowMisuse(env, "not a hasher");
    return nullptr;
  }
  const std::shared_ptr<const SharedHasher>& hasher = static_cast<Hasher*>(object)->hasher_;
  const std::optional<View> pages = View::Of(env, arguments[0]), into = View::Of(env, arguments[1]);
  if (!hasher || !pages || !into) {
    ThrowMisuse(env, "digest(pages, into)");
    return nullptr;
  }
  const size_t page_count = pages->bytes / hasher->page_size;
  if (into->bytes < page_count * hasher->digest_bytes) {
    ThrowMisuse(env, "into is too short");
    return nullptr;
  }
  const int status = hasher->Digest(pages->data, page_count, into->data);
  if (status != FAKEDIRTY_OK) LibraryFailure(env, status).ThrowAsJavaScriptException();
  return nullptr;
}

Napi::Value Hasher::DigestInBackground(const Napi::CallbackInfo& call) {
  std::optional<Source> source = Source::From(call, 0);
  if (!source) return Env().Undefined();
  if (!hasher_) {
    ThrowMisuse(Env(), "closed");
    return Env().Undefined();
  }
  return Background<DigestTask>::Start(Env(), DigestTask{hasher_, std::move(*source), {}});
}

void Hasher::Close(const Napi::CallbackInfo&) {
  hasher_.reset();
  held_.Set(0);
}

}  // namespace fakedirty_addon
