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

  Outcome Finish(napi_env env) const {
    if (const napi_value error = NewSourceError(env, status, source)) return {nullptr, error};
    return {NewBytes(env, digests), nullptr};
  }
};

}  // namespace

int SharedHasher::Digest(const void* const* pages, size_t count, uint8_t* digests) const {
  constexpr size_t kMost = FAKEDIRTY_BATCH_MAX;
  for (size_t done = 0; done < count; done += kMost) {
    const size_t some = std::min(kMost, count - done);
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

napi_value Hasher::Define(napi_env env) { return DefineClass<Hasher>(env, "Hasher"); }

std::vector<OwnMethod> Hasher::Methods() {
  return {Method<Hasher, &Hasher::Target>("target"), Method<Hasher, &Hasher::Lanes>("lanes"),
          Method<Hasher, &Hasher::Digest>("digest"),
          Method<Hasher, &Hasher::DigestInBackground>("digestInBackground"),
          Method<Hasher, &Hasher::Close>("close")};
}

std::unique_ptr<Hasher> Hasher::New(const Call& call) {
  const std::optional<uint64_t> algorithm = WholeNumberIn(call.env, call[0]);
  const std::optional<uint64_t> page_size = WholeNumberIn(call.env, call[1]);
  const std::optional<uint64_t> seed = BigIntIn(call.env, call[2]);
  const std::optional<BytesView> key = BytesIn(call.env, call[3]);
  const std::optional<std::string> target = TextIn(call.env, call[4]);
  if (!algorithm || !page_size || !seed) {
    ThrowMisuse(call.env, "Hasher(algorithm, pageSize, seed, key, target)");
    return nullptr;
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
    Throw(call.env, NewLibraryError(call.env, status));
    return nullptr;
  }
  auto shared = std::make_shared<const SharedHasher>(
      hasher, options.page_size, fakedirty_algorithm_info(options.algorithm)->digest_bytes);
  constexpr size_t kKeyLayouts = 3;  // as laid out for the kernels, with room around
  const size_t held_bytes = kKeyLayouts * fakedirty_key_bytes(options.algorithm, options.page_size);
  return std::unique_ptr<Hasher>(new Hasher(call.env, std::move(shared), held_bytes));
}

napi_value Hasher::Target(const Call& call) {
  return NewText(call.env, shared_ ? fakedirty_hasher_target(shared_->hasher) : "");
}

napi_value Hasher::Lanes(const Call& call) {
  return NewNumber(call.env, shared_ ? fakedirty_hasher_lanes(shared_->hasher) : 0);
}

napi_value Hasher::Digest(const Call& call) {
  const std::optional<BytesView> bytes = BytesIn(call.env, call[0]);
  const std::optional<BytesView> into = BytesIn(call.env, call[1]);
  const std::optional<uint64_t> first = WholeNumberIn(call.env, call[2]);
  const std::optional<uint64_t> pages = WholeNumberIn(call.env, call[3]);
  if (!shared_ || !bytes || !into || !first || !pages) {
    return ThrowMisuse(call.env, "digest(bytes, into, firstPage, pages)");
  }
  const size_t all = bytes->length / shared_->page_size;
  if (*first > all || *pages > all - *first) return ThrowMisuse(call.env, "no such pages");
  if (into->length / shared_->digest_bytes < *pages) {
    return ThrowMisuse(call.env, "into is too short");
  }
  const uint8_t* const from = bytes->data + *first * shared_->page_size;
  // The library would say so too, but of some of the pages, and after others' digests were written.
  if (from < into->data + *pages * shared_->digest_bytes &&
      into->data < from + *pages * shared_->page_size) {
    return Throw(call.env, NewError(call.env, "OVERLAP", "lies in the pages that are read"));
  }
  const int status = shared_->Digest(from, *pages, into->data);
  return status == FAKEDIRTY_OK ? nullptr : Throw(call.env, NewLibraryError(call.env, status));
}

napi_value Hasher::DigestInBackground(const Call& call) {
  std::optional<Source> source = Source::From(call, 0);
  if (!source) return nullptr;
  if (!shared_) return ThrowMisuse(call.env, "closed");
  return Background<DigestTask>::Start(call.env, DigestTask{shared_, std::move(*source), {}});
}

napi_value Hasher::Close(const Call&) {
  shared_.reset();
  held_.Set(0);
  return nullptr;
}

}  // namespace fakedirty_addon
