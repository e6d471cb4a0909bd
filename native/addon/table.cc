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
struct Check {
  static constexpr napi_type_tag kTag = {0x51c7d0e83a944b1f, 0xa6e2f93b0d5c4178};

  Check(napi_env env, Seen seen_now) : seen(std::move(seen_now)), held(env) {
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

// Room for what will be seen of count pages; their numbers are counted up from a number, or listed.
std::optional<Seen> SeenOf(napi_env env, napi_value index, size_t count) {
  Seen seen;
  seen.index.resize(count);
  if (const std::optional<uint64_t> first = WholeNumberIn(env, index)) {
    for (size_t i = 0; i < count; ++i) seen.index[i] = *first + i;
    return seen;
  }
  const std::optional<NumbersView> list = NumbersIn(env, index);
  if (!list || list->length != count) return std::nullopt;
  for (size_t i = 0; i < count; ++i) {
    const std::optional<uint64_t> page = WholeNumber(list->data[i]);
    if (!page) return std::nullopt;
    seen.index[i] = *page;
  }
  return seen;
}

// { verdicts, check }, or without the check where there is nothing to commit later.
napi_value NewAnswer(napi_env env, Seen seen, bool committed) {
  const napi_value answer = NewObject(env);
  Set(env, answer, "verdicts", NewBytes(env, seen.verdicts));
  if (committed) return answer;
  const napi_value check = NewObject(env);
  const bool wrapped = Wrap(env, check, std::make_unique<Check>(env, std::move(seen)));
  Set(env, answer, "check", wrapped ? check : nullptr);
  return answer;
}

struct LookTask {
  std::shared_ptr<SharedTable> table;
  Source source;
  Seen seen;
  bool commit;
  int status = FAKEDIRTY_OK;

  void Run() {
    const std::vector<const void*> pages = source.Pages(table->hasher->page_size);
    status = Look(*table, pages.data(), source.live(), commit, &seen);
    if (commit && source.HasShrunk()) Forget();
  }

  // Some of what was committed may have been zeros in place of a file (R1).
  void Forget() {
    for (const uint64_t page : seen.index) {
      const int forgotten = fakedirty_table_invalidate(table->table, page, 1);
      if (status == FAKEDIRTY_OK) status = forgotten;
    }
  }

  Outcome Finish(napi_env env) {
    table->busy = false;
    if (const napi_value error = NewSourceError(env, status, source)) return {nullptr, error};
    return {NewAnswer(env, std::move(seen), commit), nullptr};
  }
};

// Throws unless the status is FAKEDIRTY_OK; answers undefined.
napi_value Done(napi_env env, int status) {
  return status == FAKEDIRTY_OK ? nullptr : Throw(env, NewLibraryError(env, status));
}

}  // namespace

napi_value Table::Define(napi_env env) { return DefineClass<Table>(env, "Table"); }

std::vector<OwnMethod> Table::Methods() {
  return {Method<Table, &Table::Look>("look"),
          Method<Table, &Table::LookInBackground>("lookInBackground"),
          Method<Table, &Table::Commit>("commit"),
          Method<Table, &Table::Invalidate>("invalidate"),
          Method<Table, &Table::Forget>("forget"),
          Method<Table, &Table::Count>("count"),
          Method<Table, &Table::Close>("close")};
}

std::unique_ptr<Table> Table::New(const Call& call) {
  const Hasher* const of = Unwrap<Hasher>(call.env, call[0]);
  const std::shared_ptr<const SharedHasher> hasher = of ? of->shared() : nullptr;
  const std::optional<uint64_t> pages = WholeNumberIn(call.env, call[1]);
  if (!hasher || !pages) {
    ThrowMisuse(call.env, "Table(hasher, pages, verify)");
    return nullptr;
  }
  const bool verify = IsTrue(call.env, call[2]);
  fakedirty_table* table;
  const int status =
      fakedirty_table_create(hasher->hasher, *pages, verify ? FAKEDIRTY_TABLE_VERIFY : 0, &table);
  if (status != FAKEDIRTY_OK) {
    Done(call.env, status);
    return nullptr;
  }
  // What it may come to hold; untouched slots cost nothing.
  constexpr uint64_t kMostTold = 1 << 30;
  const uint64_t held_bytes = std::min(*pages, kMostTold) * hasher->digest_bytes;
  return std::unique_ptr<Table>(new Table(call.env,
                                          std::make_shared<SharedTable>(table, hasher, verify),
                                          static_cast<int64_t>(std::min(held_bytes, kMostTold))));
}

bool Table::IsReady(napi_env env) const {
  if (!shared_) {
    ThrowMisuse(env, "closed");
  } else if (shared_->busy) {
    Throw(env, NewError(env, "BUSY", "a background check of this table has not ended yet"));
  }
  return shared_ && !shared_->busy;
}

napi_value Table::Look(const Call& call) {
  if (!IsReady(call.env)) return nullptr;
  const std::optional<BytesView> bytes = BytesIn(call.env, call[2]);
  const size_t page_size = shared_->hasher->page_size;
  std::optional<Seen> seen;
  if (bytes) seen = SeenOf(call.env, call[0], bytes->length / page_size);
  if (!seen) return ThrowMisuse(call.env, "look(index, commit, pages, live)");
  const bool commit = IsTrue(call.env, call[1]), live = IsTrue(call.env, call[3]);
  const std::vector<const void*> pages = PagesAt(bytes->data, seen->index.size(), page_size);
  const int status = fakedirty_addon::Look(*shared_, pages.data(), live, commit, &*seen);
  if (status != FAKEDIRTY_OK) return Done(call.env, status);
  return NewAnswer(call.env, std::move(*seen), commit);
}

napi_value Table::LookInBackground(const Call& call) {
  if (!IsReady(call.env)) return nullptr;
  std::optional<Source> source = Source::From(call, 2);
  if (!source) return nullptr;
  std::optional<Seen> seen =
      SeenOf(call.env, call[0], source->bytes() / shared_->hasher->page_size);
  if (!seen) return ThrowMisuse(call.env, "lookInBackground(index, commit, source ...)");
  const napi_value promise = Background<LookTask>::Start(
      call.env, LookTask{shared_, std::move(*source), std::move(*seen), IsTrue(call.env, call[1])});
  shared_->busy = promise != nullptr;
  return promise;
}

napi_value Table::Commit(const Call& call) {
  if (!IsReady(call.env)) return nullptr;
  Check* const check = Unwrap<Check>(call.env, call[0]);
  const std::optional<BytesView> sent = BytesIn(call.env, call[1]);
  if (!check || (sent && sent->length != check->seen.verdicts.size())) {
    return ThrowMisuse(call.env, "commit(check, sent)");
  }
  const int status = fakedirty_addon::Commit(*shared_, check->seen, sent ? sent->data : nullptr);
  if (status == FAKEDIRTY_OK) check->Release();
  return Done(call.env, status);
}

napi_value Table::Invalidate(const Call& call) {
  if (!IsReady(call.env)) return nullptr;
  const std::optional<uint64_t> first = WholeNumberIn(call.env, call[0]);
  const std::optional<uint64_t> pages = WholeNumberIn(call.env, call[1]);
  if (!first || !pages) return ThrowMisuse(call.env, "invalidate(first, pages)");
  return Done(call.env, fakedirty_table_invalidate(shared_->table, *first, *pages));
}

napi_value Table::Forget(const Call& call) {
  if (!IsReady(call.env)) return nullptr;
  return Done(call.env, fakedirty_table_forget(shared_->table));
}

napi_value Table::Count(const Call& call) {
  if (!IsReady(call.env)) return nullptr;
  fakedirty_table_counts counts;
  const int status = fakedirty_table_count(shared_->table, &counts);
  if (status != FAKEDIRTY_OK) return Done(call.env, status);
  const napi_value object = NewObject(call.env);
  const auto set = [&](const char* name, uint64_t value) {
    Set(call.env, object, name, NewNumber(call.env, value));
  };
  set("pages", counts.pages);
  set("unknown", counts.unknown);
  set("zero", counts.zero);
  set("known", counts.known);
  set("falseSkips", counts.false_skips);
  set("bytes", counts.bytes);
  return object;
}

napi_value Table::Close(const Call&) {
  shared_.reset();
  held_.Set(0);
  return nullptr;
}

}  // namespace fakedirty_addon
