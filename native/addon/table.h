// SPDX-License-Identifier: MIT
// The JavaScript object of a table.
//
// One thing at a time: while a background look is under way, the table answers nothing else (R6).
#ifndef FAKEDIRTY_ADDON_TABLE_H_
#define FAKEDIRTY_ADDON_TABLE_H_

#include <napi.h>

#include <memory>

#include "addon/check.h"
#include "addon/held_memory.h"

namespace fakedirty_addon {

// What was seen of some pages, on its way to a commit: (), made by a table.
class Check : public Napi::ObjectWrap<Check> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object New(Napi::Env env, Seen seen);
  static Check* From(Napi::Value value);  // null when it is something else

  explicit Check(const Napi::CallbackInfo& call) : ObjectWrap(call), held_(Env()) {}
  const Seen& seen() const { return seen_; }
  void Release();  // nobody will ask for it again

 private:
  Seen seen_;
  HeldMemory held_;
};

class Table : public Napi::ObjectWrap<Table> {
 public:
  static Napi::Function Define(Napi::Env env);

  explicit Table(const Napi::CallbackInfo& call);  // (hasher, pages, verify)

  void SetIdle() { busy_ = false; }

 private:
  // index is the first page's number, or a Float64Array of all numbers. Pages lie one behind
  // another.
  Napi::Value Look(const Napi::CallbackInfo& call);              // (pages, live, index)
  Napi::Value LookAndCommit(const Napi::CallbackInfo& call);     // (pages, live, index)
  Napi::Value LookInBackground(const Napi::CallbackInfo& call);  // (index, commit, source ...)
  void Commit(const Napi::CallbackInfo& call);                   // (check, sent | null)
  void Invalidate(const Napi::CallbackInfo& call);               // (first, pages)
  void Forget(const Napi::CallbackInfo& call);
  Napi::Value Count(const Napi::CallbackInfo& call);
  void Close(const Napi::CallbackInfo& call);

  bool IsReady();  // throws when it is closed or busy
  bool Succeeded(int status);

  std::shared_ptr<const SharedTable> table_;
  bool busy_ = false;
  HeldMemory held_{Env()};
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_TABLE_H_
