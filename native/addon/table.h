// SPDX-License-Identifier: MIT
// The JavaScript object of a table.
//
// One thing at a time: while a background look is under way, the table answers nothing else (R6).
#ifndef FAKEDIRTY_ADDON_TABLE_H_
#define FAKEDIRTY_ADDON_TABLE_H_

#include <memory>

#include "addon/check.h"
#include "addon/held_memory.h"
#include "addon/javascript.h"
#include "addon/wrapped.h"

namespace fakedirty_addon {

class Table {
 public:
  static constexpr napi_type_tag kTag = {0x6f02d48b1be5437a, 0x84c1a97e30f65b2d};
  static napi_value Define(napi_env env);
  static std::vector<OwnMethod> Methods();
  static std::unique_ptr<Table> New(const Call& call);  // (hasher, pages, verify)

 private:
  Table(napi_env env, std::shared_ptr<SharedTable> shared, int64_t held_bytes)
      : shared_(std::move(shared)), held_(env) {
    held_.Set(held_bytes);
  }

  // index is the first page's number, or a Float64Array of all numbers. Pages lie one behind
  // another.
  napi_value Look(const Call& call);              // (index, commit, pages, live)
  napi_value LookInBackground(const Call& call);  // (index, commit, source ...)
  napi_value Commit(const Call& call);            // (check, sent | null)
  napi_value Invalidate(const Call& call);        // (first, pages)
  napi_value Forget(const Call& call);
  napi_value Count(const Call& call);
  napi_value Close(const Call& call);

  bool IsReady(napi_env env) const;  // throws when it is closed or busy

  std::shared_ptr<SharedTable> shared_;
  HeldMemory held_;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_TABLE_H_
