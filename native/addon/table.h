// SPDX-License-Identifier: MIT
// The JavaScript object of a table.
//
// One thing at a time: while a background check is under way, the table answers nothing else (R6).
#ifndef FAKEDIRTY_ADDON_TABLE_H_
#define FAKEDIRTY_ADDON_TABLE_H_

#include <memory>

#include "addon/check.h"
#include "addon/held_memory.h"
#include "addon/javascript.h"
#include "addon/wrapped.h"

namespace fakedirty_addon {

class Table : public Wrapped<Table> {
 public:
  static constexpr napi_type_tag kTag = {0x6f02d48b1be5437a, 0x84c1a97e30f65b2d};
  explicit Table(const Napi::CallbackInfo& call);  // (hasher, pages, verify)

 private:
  // index is the first page's number, or a Float64Array of all numbers. Pages lie one behind
  // another.
  Napi::Value Check(const Napi::CallbackInfo& call);              // (index, commit, pages, live)
  Napi::Value CheckInBackground(const Napi::CallbackInfo& call);  // (index, commit, source ...)
  Napi::Value Commit(const Napi::CallbackInfo& call);             // (check, sent | null)
  Napi::Value Invalidate(const Napi::CallbackInfo& call);         // (first, pages)
  Napi::Value Reset(const Napi::CallbackInfo& call);
  Napi::Value Statistics(const Napi::CallbackInfo& call);
  Napi::Value Close(const Napi::CallbackInfo& call);

  bool IsReady(Napi::Env env) const;  // throws when it is closed or busy

  std::shared_ptr<SharedTable> shared_;
  HeldMemory held_;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_TABLE_H_
