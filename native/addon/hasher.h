// SPDX-License-Identifier: MIT
// The JavaScript object of a hasher.
#ifndef FAKEDIRTY_ADDON_HASHER_H_
#define FAKEDIRTY_ADDON_HASHER_H_

#include <napi.h>

#include <memory>

#include "addon/held_memory.h"
#include "fakedirty.h"

namespace fakedirty_addon {

// Objects, tables and work under way share it; the last one to let go wipes the key.
struct SharedHasher {
  SharedHasher(fakedirty_hasher* hasher, size_t page_size, size_t digest_bytes)
      : hasher(hasher), page_size(page_size), digest_bytes(digest_bytes) {}
  ~SharedHasher() { fakedirty_hasher_destroy(hasher); }
  SharedHasher(const SharedHasher&) = delete;
  SharedHasher& operator=(const SharedHasher&) = delete;

  int Digest(const uint8_t* bytes, size_t pages, uint8_t* digests) const;

  fakedirty_hasher* const hasher;
  const size_t page_size, digest_bytes;
};

class Hasher : public Napi::ObjectWrap<Hasher> {
 public:
  static Napi::Function Define(Napi::Env env);
  // Null when the value is something else, or closed.
  static std::shared_ptr<const SharedHasher> From(Napi::Value value);

  // (algorithm, pageSize, seed: bigint, key: Uint8Array | null, target: string | null)
  explicit Hasher(const Napi::CallbackInfo& call);

 private:
  Napi::Value Target(const Napi::CallbackInfo& call);
  Napi::Value Lanes(const Napi::CallbackInfo& call);
  static napi_value Digest(napi_env env, napi_callback_info call);  // (pages, into)
  Napi::Value DigestInBackground(const Napi::CallbackInfo& call);   // (source ...)
  void Close(const Napi::CallbackInfo& call);

  std::shared_ptr<const SharedHasher> hasher_;
  HeldMemory held_{Env()};
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_HASHER_H_
