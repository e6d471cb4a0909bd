// SPDX-License-Identifier: MIT
#include "addon/hasher.h"

#include <algorithm>
#include <utility>

#include "addon/background.h"
#include "addon/source.h"
#include "addon/wrapped.h"

namespace fakedirty_addon {
namespace {

struct DigestTask {
  std::shared_ptr<const SharedHasher> hasher;
  Source source;
  std::vector<uint8_t> digests;
  int status = FAKEDIRTY_OK;

  void Run() {
    const std::vector<const void*> pages = source.Pages(hasher->page_size);
    digests.resize(pages.size() * hasher->digest_bytes);
    status = hasher->Digest(pages.data(), pages.size(), digests.data());
  }

  Outcome Finish(Napi::Env env) const {
    const Napi::Value error = NewSourceError(env, status, source);
    return error.IsEmpty() ? Outcome{NewBytes(env, digests), {}} : Outcome{{}, error};
  }
};

}  // namespace

int SharedHasher::Digest(const void* const* pages, size_t count, uint8_t* digests) const {
  constexpr size_t kMax = FAKEDIRTY_BATCH_MAX;
  for (size_t done = 0; done < count; done += kMax) {
    const size_t some = std::min(kMax, count - done);
    const int status = fakedirty_digest(hasher, pages + done, some, digests + done * digest_bytes,
                                        some * digest_bytes);
    if (status != FAKEDIRTY_OK) return status;
  }
  return FAKEDIRTY_OK;
}

int SharedHasher::Digest(const uint8_t* bytes, size_t count, uint8_t* digests) const {
  constexpr size_t kBatch = 256;
  const void* batch[kBatch];
  for (size_t done = 0; done < count; done += kBatch) {
    const size_t some = std::min(kBatch, count - done);
    for (size_t i = 0; i < some; ++i) batch[i] = bytes + (done + i) * page_size;
    const int status = Digest(batch, some, digests + done * digest_bytes);
    if (status != FAKEDIRTY_OK) return status;
  }
  return FAKEDIRTY_OK;
}

Hasher::Hasher(const Napi::CallbackInfo& call) : Wrapped(call), held_(call.Env()) {
  const std::optional<uint64_t> algorithm = ToUint53(call[0]);
  const std::optional<uint64_t> page_size = ToUint53(call[1]);
  const std::optional<uint64_t> seed = ToUint64(call[2]);
  const std::optional<BytesView> key = ToBytes(call[3]);
  const std::optional<std::string> target = ToString(call[4]);
  if (!algorithm || !page_size || !seed) {
    ThrowMisuse(call.Env(), "Hasher(algorithm, pageSize, seed, key, target)");
    return;
  }
  fakedirty_hasher_options options = {};
  options.size = sizeof(options);
  options.algorithm = static_cast<int>(*algorithm);
  options.page_size = *page_size;
  options.seed = *seed;
  options.key = key ? key->data : nullptr;
  options.key_bytes = key ? key->length : 0;
  options.target = target ? target->c_str() : nullptr;
  fakedirty_hasher* hasher;
  const int status = fakedirty_hasher_create(&options, &hasher);
  if (status != FAKEDIRTY_OK) {
    Throw(NewLibraryError(call.Env(), status));
    return;
  }
  shared_ = std::make_shared<const SharedHasher>(
      hasher, options.page_size, fakedirty_algorithm_info(options.algorithm)->digest_bytes);
  constexpr size_t kKeyLayouts = 3;  // as laid out for the kernels, with room around
  held_.Set(static_cast<int64_t>(kKeyLayouts *
                                 fakedirty_key_bytes(options.algorithm, options.page_size)));
  AddMethod<&Hasher::Target>(call, "target");
  AddMethod<&Hasher::Lanes>(call, "lanes");
  AddMethod<&Hasher::Digest>(call, "digest");
  AddMethod<&Hasher::DigestInBackground>(call, "digestInBackground");
  AddMethod<&Hasher::Close>(call, "close");
}

Napi::Value Hasher::Target(const Napi::CallbackInfo& call) {
  return Napi::String::New(call.Env(), shared_ ? fakedirty_hasher_target(shared_->hasher) : "");
}

Napi::Value Hasher::Lanes(const Napi::CallbackInfo& call) {
  return NewNumber(call.Env(), shared_ ? fakedirty_hasher_lanes(shared_->hasher) : 0);
}

Napi::Value Hasher::Digest(const Napi::CallbackInfo& call) {
  const std::optional<BytesView> bytes = ToBytes(call[0]);
  const std::optional<BytesView> into = ToBytes(call[1]);
  const std::optional<uint64_t> first = ToUint53(call[2]);
  const std::optional<uint64_t> pages = ToUint53(call[3]);
  if (!shared_ || !bytes || !into || !first || !pages) {
    return ThrowMisuse(call.Env(), "digest(bytes, into, firstPage, pages)");
  }
  const size_t all = bytes->length / shared_->page_size;
  if (*first > all || *pages > all - *first) return ThrowMisuse(call.Env(), "no such pages");
  if (into->length / shared_->digest_bytes < *pages) {
    return ThrowMisuse(call.Env(), "into is too short");
  }
  const uint8_t* const from = bytes->data + *first * shared_->page_size;
  // The library would say so too, but of some of the pages, and after others' digests were written.
  if (from < into->data + *pages * shared_->digest_bytes &&
      into->data < from + *pages * shared_->page_size) {
    return Throw(NewError(call.Env(), "OVERLAP", "lies in the pages that are read"));
  }
  const int status = shared_->Digest(from, *pages, into->data);
  return status == FAKEDIRTY_OK ? Napi::Value() : Throw(NewLibraryError(call.Env(), status));
}

Napi::Value Hasher::DigestInBackground(const Napi::CallbackInfo& call) {
  std::optional<Source> source = Source::From(call, 0);
  if (!source) return Napi::Value();
  if (!shared_) return ThrowMisuse(call.Env(), "closed");
  return Background<DigestTask>::Start(call.Env(), DigestTask{shared_, std::move(*source), {}});
}

Napi::Value Hasher::Close(const Napi::CallbackInfo&) {
  shared_.reset();
  held_.Set(0);
  return Napi::Value();
}

}  // namespace fakedirty_addon
