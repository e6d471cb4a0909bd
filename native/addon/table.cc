// SPDX-License-Identifier: MIT
#include "addon/table.h"

#include <string.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "addon/background.h"
#include "addon/constructors.h"
#include "addon/failure.h"
#include "addon/source.h"

namespace fakedirty_addon {
namespace {

constexpr napi_type_tag kCheckTag = {0x51c7d0e83a944b1f, 0xa6e2f93b0d5c4178};

// The numbers of count pages: counted up from a number, or listed.
std::optional<std::vector<uint64_t>> IndexFrom(Napi::Value value, size_t count) {
  std::vector<uint64_t> index(count);
  if (value.IsNumber()) {
    const double first = value.As<Napi::Number>().DoubleValue();
    if (!(first >= 0)) return std::nullopt;
    for (size_t i = 0; i < count; ++i) index[i] = static_cast<uint64_t>(first) + i;
    return index;
  }
  if (!value.IsTypedArray() ||
      value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    return std::nullopt;
  }
  const auto list = value.As<Napi::Float64Array>();
  if (list.ElementLength() != count) return std::nullopt;
  for (size_t i = 0; i < count; ++i) {
    if (!(list[i] >= 0)) return std::nullopt;
    index[i] = static_cast<uint64_t>(list[i]);
  }
  return index;
}

Napi::Value VerdictsOf(Napi::Env env, const Seen& seen) {
  Napi::Uint8Array verdicts = Napi::Uint8Array::New(env, seen.verdicts.size());
  if (!seen.verdicts.empty()) memcpy(verdicts.Data(), seen.verdicts.data(), seen.verdicts.size());
  return verdicts;
}

// What both looks answer: { verdicts, check } where there is something to commit later.
Napi::Value Answer(Napi::Env env, Seen seen, bool committed) {
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("verdicts", VerdictsOf(env, seen));
  if (!committed) answer.Set("check", Check::New(env, std::move(seen)));
  return answer;
}

struct LookTask {
  std::shared_ptr<const SharedTable> table;
  Source source;
  Seen seen;
  bool commit;
  Napi::ObjectReference object;  // of the table
  int status = FAKEDIRTY_OK;

  void Run() {
    const auto look = commit ? fakedirty_addon::LookAndCommit : fakedirty_addon::Look;
    status = look(*table, source.data(), source.live(), &seen);
    if (commit && source.HasShrunk()) Forget();
  }

  // Some of what was committed may have been zeros in place of a file (R1).
  void Forget() {
    for (const uint64_t page : seen.index) {
      const int forgotten = fakedirty_table_invalidate(table->table, page, 1);
      if (status == FAKEDIRTY_OK) status = forgotten;
    }
  }

  Napi::Value Finish(Napi::Env env) {
    Table::Unwrap(object.Value())->SetIdle();
    if (status != FAKEDIRTY_OK) {
      LibraryFailure(env, status).ThrowAsJavaScriptException();
    } else if (source.HasShrunk()) {
      Throw(env, "SHRUNK", "the file has become shorter");
    }
    return env.IsExceptionPending() ? env.Undefined() : Answer(env, std::move(seen), commit);
  }
};

}  // namespace

Napi::Function Check::Define(Napi::Env env) { return DefineClass(env, "Check", {}); }

Napi::Object Check::New(Napi::Env env, Seen seen) {
  Napi::Object object = Constructors::Of(env).check.New({});
  object.TypeTag(&kCheckTag);
  Check* const check = Unwrap(object);
  check->seen_ = std::move(seen);
  const Seen& held = check->seen_;
  check->held_.Set(static_cast<int64_t>(
      held.verdicts.size() * (sizeof(uint8_t) + sizeof(uint64_t) + sizeof(fakedirty_fingerprint)) +
      held.copies.size()));
  return object;
}

Check* Check::From(Napi::Value value) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kCheckTag)) return nullptr;
  return Unwrap(value.As<Napi::Object>());
}

void Check::Release() {
  seen_ = Seen();
  held_.Set(0);
}

Napi::Function Table::Define(Napi::Env env) {
  return DefineClass(
      env, "Table",
      {InstanceMethod<&Table::Look>("look"), InstanceMethod<&Table::LookAndCommit>("lookAndCommit"),
       InstanceMethod<&Table::LookInBackground>("lookInBackground"),
       InstanceMethod<&Table::Commit>("commit"), InstanceMethod<&Table::Invalidate>("invalidate"),
       InstanceMethod<&Table::Forget>("forget"), InstanceMethod<&Table::Count>("count"),
       InstanceMethod<&Table::Close>("close")});
}

Table::Table(const Napi::CallbackInfo& call) : ObjectWrap(call) {
  const std::shared_ptr<const SharedHasher> hasher = Hasher::From(call[0]);
  if (!hasher || !call[1].IsNumber()) {
    ThrowMisuse(Env(), "Table(hasher, pages, verify)");
    return;
  }
  const double pages = call[1].As<Napi::Number>().DoubleValue();
  const bool verify = call[2].ToBoolean().Value();
  fakedirty_table* table;
  const int status =
      fakedirty_table_create(hasher->hasher, pages >= 0 ? static_cast<uint64_t>(pages) : 0,
                             verify ? FAKEDIRTY_TABLE_VERIFY : 0, &table);
  if (!Succeeded(status)) return;
  table_ = std::make_shared<const SharedTable>(table, hasher, verify);
  // What it may come to hold; untouched slots cost nothing.
  const double slots = pages * static_cast<double>(hasher->digest_bytes);
  constexpr double kMostTold = 1 << 30;
  held_.Set(static_cast<int64_t>(std::min(slots, kMostTold)));
}

bool Table::Succeeded(int status) {
  if (status != FAKEDIRTY_OK) LibraryFailure(Env(), status).ThrowAsJavaScriptException();
  return status == FAKEDIRTY_OK;
}

bool Table::IsReady() {
  if (!table_) ThrowMisuse(Env(), "closed");
  if (busy_) Throw(Env(), "BUSY", "a background check of this table has not ended yet");
  return table_ && !busy_;
}

Napi::Value Table::Look(const Napi::CallbackInfo& call) {
  if (!IsReady()) return Env().Undefined();
  const std::optional<View> pages = View::Of(call[0]);
  std::optional<std::vector<uint64_t>> index;
  if (pages) index = IndexFrom(call[2], pages->bytes / table_->hasher->page_size);
  if (!index) {
    ThrowMisuse(Env(), "look(pages, live, index)");
    return Env().Undefined();
  }
  Seen seen;
  seen.index = std::move(*index);
  const bool live = call[1].ToBoolean().Value();
  if (!Succeeded(fakedirty_addon::Look(*table_, pages->data, live, &seen))) {
    return Env().Undefined();
  }
  return Answer(Env(), std::move(seen), false);
}

Napi::Value Table::LookAndCommit(const Napi::CallbackInfo& call) {
  if (!IsReady()) return Env().Undefined();
  const std::optional<View> pages = View::Of(call[0]);
  std::optional<std::vector<uint64_t>> index;
  if (pages) index = IndexFrom(call[2], pages->bytes / table_->hasher->page_size);
  if (!index) {
    ThrowMisuse(Env(), "lookAndCommit(pages, live, index)");
    return Env().Undefined();
  }
  Seen seen;
  seen.index = std::move(*index);
  const bool live = call[1].ToBoolean().Value();
  if (!Succeeded(fakedirty_addon::LookAndCommit(*table_, pages->data, live, &seen))) {
    return Env().Undefined();
  }
  return Answer(Env(), std::move(seen), true);
}

Napi::Value Table::LookInBackground(const Napi::CallbackInfo& call) {
  if (!IsReady()) return Env().Undefined();
  std::optional<Source> source = Source::From(call, 2);
  if (!source) return Env().Undefined();
  std::optional<std::vector<uint64_t>> index =
      IndexFrom(call[0], source->bytes() / table_->hasher->page_size);
  if (!index) {
    ThrowMisuse(Env(), "lookInBackground(index, commit, source ...)");
    return Env().Undefined();
  }
  Seen seen;
  seen.index = std::move(*index);
  busy_ = true;
  return Background<LookTask>::Start(
      Env(), LookTask{table_, std::move(*source), std::move(seen), call[1].ToBoolean().Value(),
                      Napi::Persistent(call.This().As<Napi::Object>())});
}

void Table::Commit(const Napi::CallbackInfo& call) {
  if (!IsReady()) return;
  Check* const check = Check::From(call[0]);
  const std::optional<View> sent = View::Of(call[1]);
  if (!check || (sent && sent->bytes != check->seen().verdicts.size())) {
    return ThrowMisuse(Env(), "commit(check, sent)");
  }
  if (Succeeded(fakedirty_addon::Commit(*table_, check->seen(), sent ? sent->data : nullptr))) {
    check->Release();
  }
}

void Table::Invalidate(const Napi::CallbackInfo& call) {
  if (!IsReady()) return;
  const double first = call[0].As<Napi::Number>().DoubleValue();
  const double pages = call[1].As<Napi::Number>().DoubleValue();
  if (!(first >= 0 && pages >= 0)) return ThrowMisuse(Env(), "invalidate(first, pages)");
  Succeeded(fakedirty_table_invalidate(table_->table, static_cast<uint64_t>(first),
                                       static_cast<uint64_t>(pages)));
}

void Table::Forget(const Napi::CallbackInfo&) {
  if (IsReady()) Succeeded(fakedirty_table_forget(table_->table));
}

Napi::Value Table::Count(const Napi::CallbackInfo&) {
  fakedirty_table_counts counts;
  if (!IsReady() || !Succeeded(fakedirty_table_count(table_->table, &counts))) {
    return Env().Undefined();
  }
  Napi::Object object = Napi::Object::New(Env());
  const auto set = [&](const char* name, uint64_t value) {
    object.Set(name, Napi::Number::New(Env(), static_cast<double>(value)));
  };
  set("pages", counts.pages);
  set("unknown", counts.unknown);
  set("zero", counts.zero);
  set("known", counts.known);
  set("falseSkips", counts.false_skips);
  set("bytes", counts.bytes);
  return object;
}

void Table::Close(const Napi::CallbackInfo&) {
  table_.reset();
  held_.Set(0);
}

}  // namespace fakedirty_addon
