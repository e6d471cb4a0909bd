// SPDX-License-Identifier: MIT
#include "addon/table.h"

#include <algorithm>
#include <utility>

#include "addon/background.h"
#include "addon/source.h"
#include "addon/wrapped.h"

namespace fakedirty_addon {
namespace {

// What was seen of some pages, on its way to a commit.
struct PendingCheck {
  static constexpr napi_type_tag kTag = {0x51c7d0e83a944b1f, 0xa6e2f93b0d5c4178};

  PendingCheck(Napi::BasicEnv env, Seen seen_now) : seen(std::move(seen_now)), held(env) {
    constexpr size_t kEach = sizeof(uint64_t) + sizeof(uint8_t) + sizeof(fakedirty_fingerprint);
    held.Set(static_cast<int64_t>(seen.index.size() * kEach + seen.copies.size()));
  }

  void Release() {  // nobody will ask for it again
    seen = Seen();
    held.Set(0);
  }

  Seen seen;
  HeldMemory held;
};

// Allocation for what will be seen of count pages; their numbers are counted up from a number, or
// listed.
std::optional<Seen> SeenOf(Napi::Value index, size_t count) {
  Seen seen;
  seen.index.resize(count);
  if (const std::optional<uint64_t> first = ToUint53(index)) {
    for (size_t i = 0; i < count; ++i) seen.index[i] = *first + i;
    return seen;
  }
  const std::optional<NumbersView> list = ToNumbers(index);
  if (!list || list->length != count) return std::nullopt;
  for (size_t i = 0; i < count; ++i) {
    const std::optional<uint64_t> page = Uint53(list->data[i]);
    if (!page) return std::nullopt;
    seen.index[i] = *page;
  }
  return seen;
}

// { verdicts, check }, or without the check where there is nothing to commit later.
Napi::Value NewAnswer(Napi::Env env, Seen seen, bool committed) {
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("verdicts", NewBytes(env, seen.verdicts));
  if (committed) return answer;
  answer.Set("check", NewExternal(env, std::make_unique<PendingCheck>(env, std::move(seen))));
  return answer;
}

struct CheckTask {
  std::shared_ptr<SharedTable> table;
  Source source;
  Seen seen;
  bool commit;
  int status = FAKEDIRTY_OK;

  void Run() {
    const std::vector<const void*> pages = source.Pages(table->hasher->page_size);
    status = CheckPages(*table, pages.data(), source.live(), commit, &seen);
    if (commit && source.HasShrunk()) Invalidate();
  }

  // Some of what was committed may have been zeros in place of a file (R1).
  void Invalidate() {
    for (const uint64_t page : seen.index) {
      const int invalidated = fakedirty_table_invalidate(table->table, page, 1);
      if (status == FAKEDIRTY_OK) status = invalidated;
    }
  }

  Outcome Finish(Napi::Env env) {
    table->busy = false;
    const Napi::Value error = NewSourceError(env, status, source);
    if (!error.IsEmpty()) return {{}, error};
    return {NewAnswer(env, std::move(seen), commit), {}};
  }
};

// Throws unless the status is FAKEDIRTY_OK; answers undefined.
Napi::Value Done(Napi::Env env, int status) {
  return status == FAKEDIRTY_OK ? Napi::Value() : Throw(NewLibraryError(env, status));
}

}  // namespace

Table::Table(const Napi::CallbackInfo& call) : Wrapped(call), held_(call.Env()) {
  const Hasher* const of = Hasher::From(call[0]);
  const std::shared_ptr<const SharedHasher> hasher = of ? of->shared() : nullptr;
  const std::optional<uint64_t> pages = ToUint53(call[1]);
  if (!hasher || !pages) {
    ThrowMisuse(call.Env(), "Table(hasher, pages, verify)");
    return;
  }
  const bool verify = IsTrue(call[2]);
  fakedirty_table* table;
  const int status =
      fakedirty_table_create(hasher->hasher, *pages, verify ? FAKEDIRTY_TABLE_VERIFY : 0, &table);
  if (status != FAKEDIRTY_OK) {
    Done(call.Env(), status);
    return;
  }
  // What it may come to hold; untouched slots cost nothing.
  constexpr uint64_t kMaxReported = 1 << 30;
  const uint64_t held_bytes = std::min(*pages, kMaxReported) * hasher->digest_bytes;
  shared_ = std::make_shared<SharedTable>(table, hasher, verify);
  held_.Set(static_cast<int64_t>(std::min(held_bytes, kMaxReported)));
  AddMethod<&Table::Check>(call, "check");
  AddMethod<&Table::CheckInBackground>(call, "checkInBackground");
  AddMethod<&Table::Commit>(call, "commit");
  AddMethod<&Table::Invalidate>(call, "invalidate");
  AddMethod<&Table::Reset>(call, "reset");
  AddMethod<&Table::Statistics>(call, "statistics");
  AddMethod<&Table::Close>(call, "close");
}

bool Table::IsReady(Napi::Env env) const {
  if (!shared_) {
    ThrowMisuse(env, "closed");
  } else if (shared_->busy) {
    Throw(NewError(env, "BUSY", "a background check of this table has not ended yet"));
  }
  return shared_ && !shared_->busy;
}

Napi::Value Table::Check(const Napi::CallbackInfo& call) {
  if (!IsReady(call.Env())) return Napi::Value();
  const std::optional<BytesView> bytes = ToBytes(call[2]);
  const size_t page_size = shared_->hasher->page_size;
  std::optional<Seen> seen;
  if (bytes) seen = SeenOf(call[0], bytes->length / page_size);
  if (!seen) return ThrowMisuse(call.Env(), "check(index, commit, pages, live)");
  const bool commit = IsTrue(call[1]), live = IsTrue(call[3]);
  const std::vector<const void*> pages = PagesAt(bytes->data, seen->index.size(), page_size);
  const int status = CheckPages(*shared_, pages.data(), live, commit, &*seen);
  if (status != FAKEDIRTY_OK) return Done(call.Env(), status);
  return NewAnswer(call.Env(), std::move(*seen), commit);
}

Napi::Value Table::CheckInBackground(const Napi::CallbackInfo& call) {
  if (!IsReady(call.Env())) return Napi::Value();
  std::optional<Source> source = Source::From(call, 2);
  if (!source) return Napi::Value();
  std::optional<Seen> seen = SeenOf(call[0], source->bytes() / shared_->hasher->page_size);
  if (!seen) return ThrowMisuse(call.Env(), "checkInBackground(index, commit, source ...)");
  const Napi::Value promise = Background<CheckTask>::Start(
      call.Env(), CheckTask{shared_, std::move(*source), std::move(*seen), IsTrue(call[1])});
  shared_->busy = !promise.IsEmpty();
  return promise;
}

Napi::Value Table::Commit(const Napi::CallbackInfo& call) {
  if (!IsReady(call.Env())) return Napi::Value();
  PendingCheck* const check = ExternalIn<PendingCheck>(call[0]);
  const std::optional<BytesView> sent = ToBytes(call[1]);
  if (!check || (sent && sent->length != check->seen.verdicts.size())) {
    return ThrowMisuse(call.Env(), "commit(check, sent)");
  }
  const int status = CommitChecked(*shared_, check->seen, sent ? sent->data : nullptr);
  if (status == FAKEDIRTY_OK) check->Release();
  return Done(call.Env(), status);
}

Napi::Value Table::Invalidate(const Napi::CallbackInfo& call) {
  if (!IsReady(call.Env())) return Napi::Value();
  const std::optional<uint64_t> first = ToUint53(call[0]);
  const std::optional<uint64_t> pages = ToUint53(call[1]);
  if (!first || !pages) return ThrowMisuse(call.Env(), "invalidate(first, pages)");
  return Done(call.Env(), fakedirty_table_invalidate(shared_->table, *first, *pages));
}

Napi::Value Table::Reset(const Napi::CallbackInfo& call) {
  if (!IsReady(call.Env())) return Napi::Value();
  return Done(call.Env(), fakedirty_table_reset(shared_->table));
}

Napi::Value Table::Statistics(const Napi::CallbackInfo& call) {
  if (!IsReady(call.Env())) return Napi::Value();
  fakedirty_statistics statistics;
  const int status = fakedirty_table_statistics(shared_->table, &statistics);
  if (status != FAKEDIRTY_OK) return Done(call.Env(), status);
  Napi::Object object = Napi::Object::New(call.Env());
  const auto set = [&](const char* name, uint64_t value) {
    object.Set(name, NewNumber(call.Env(), value));
  };
  set("pages", statistics.pages);
  set("unknown", statistics.unknown);
  set("zero", statistics.zero);
  set("known", statistics.known);
  set("falseSkips", statistics.false_skips);
  set("bytes", statistics.bytes);
  return object;
}

Napi::Value Table::Close(const Napi::CallbackInfo&) {
  shared_.reset();
  held_.Set(0);
  return Napi::Value();
}

}  // namespace fakedirty_addon
