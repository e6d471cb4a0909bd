// SPDX-License-Identifier: MIT
// The JavaScript object of a hasher.
#ifndef FAKEDIRTY_ADDON_HASHER_H_
#define FAKEDIRTY_ADDON_HASHER_H_

#include <memory>

#include "addon/held_memory.h"
#include "addon/javascript.h"
#include "addon/wrapped.h"
#include "fakedirty.h"

namespace fakedirty_addon {

// Objects, tables and work under way share it; the last one to let go wipes the key.
struct SharedHasher {
  SharedHasher(fakedirty_hasher* hasher, size_t page_size, size_t digest_bytes)
      : hasher(hasher), page_size(page_size), digest_bytes(digest_bytes) {}
  ~SharedHasher() { fakedirty_hasher_destroy(hasher); }
  SharedHasher(const SharedHasher&) = delete;
  SharedHasher& operator=(const SharedHasher&) = delete;

  int Digest(const void* const* pages, size_t count, uint8_t* digests) const;
  // Of pages that lie one behind another. No memory is taken for a list of them.
  int Digest(const uint8_t* bytes, size_t count, uint8_t* digests) const;

  fakedirty_hasher* const hasher;
  const size_t page_size, digest_bytes;
};

class Hasher : public Wrapped<Hasher> {
 public:
  static constexpr napi_type_tag kTag = {0x3b6e1ac97d5f4e02, 0xb18d90f4c6a27e53};
  // (algorithm, pageSize, seed: bigint, key: Uint8Array | null, target: string | null)
  explicit Hasher(const Napi::CallbackInfo& call);

  // Null when closed.
  const std::shared_ptr<const SharedHasher>& shared() const { return shared_; }

 private:
  Napi::Value Target(const Napi::CallbackInfo& call);
  Napi::Value Lanes(const Napi::CallbackInfo& call);
  Napi::Value Digest(const Napi::CallbackInfo& call);  // (bytes, into, firstPage, pages)
  Napi::Value DigestInBackground(const Napi::CallbackInfo& call);  // (source ...)
  Napi::Value Close(const Napi::CallbackInfo& call);

  std::shared_ptr<const SharedHasher> shared_;
  HeldMemory held_;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_HASHER_H_
