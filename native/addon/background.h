// SPDX-License-Identifier: MIT
// Work on a thread of the pool, answered with a promise.
//
// In plain Node-API: where a promise or work can't be made, because the thread is being terminated,
// Napi::Promise::Deferred and Napi::AsyncWorker go on with handles that were never initialised, and
// the process ends when JavaScript gets such a promise (docs/decisions/node-api.md).
#ifndef FAKEDIRTY_ADDON_BACKGROUND_H_
#define FAKEDIRTY_ADDON_BACKGROUND_H_

#include <memory>
#include <utility>

#include "addon/javascript.h"

namespace fakedirty_addon {

// How a piece of work ended: one of the two, or neither when the thread is being terminated.
struct Outcome {
  Napi::Value answer;
  Napi::Value error;
};

// Task has void Run(), on the other thread, and Outcome Finish(Napi::Env), back on this one. It
// holds all that it needs, so that neither a collected object nor a closed one can pull memory away
// from under it.
template <class Task>
class Background {
 public:
  // The promise; empty when the work was not begun.
  static Napi::Value Start(Napi::Env env, Task task) {
    std::unique_ptr<Background> background(new Background(std::move(task)));
    const Napi::String name = Napi::String::New(env, "fakedirty");
    napi_value promise;
    if (napi_create_promise(env, &background->deferred_, &promise) != napi_ok ||
        napi_create_async_work(env, nullptr, name, Execute, Complete, background.get(),
                               &background->work_) != napi_ok) {
      return Napi::Value();
    }
    if (napi_queue_async_work(env, background->work_) != napi_ok) {
      napi_delete_async_work(env, background->work_);
      return Napi::Value();
    }
    static_cast<void>(background.release());  // Complete deletes it
    return Napi::Value(env, promise);
  }

 private:
  explicit Background(Task task) : task_(std::move(task)) {}

  static void Execute(napi_env, void* data) { static_cast<Background*>(data)->task_.Run(); }

  static void Complete(napi_env env, napi_status, void* data) {
    const std::unique_ptr<Background> background(static_cast<Background*>(data));
    const Outcome outcome = background->task_.Finish(env);
    if (!outcome.error.IsEmpty()) {
      napi_reject_deferred(env, background->deferred_, outcome.error);
    } else if (!outcome.answer.IsEmpty()) {
      napi_resolve_deferred(env, background->deferred_, outcome.answer);
    }
    napi_delete_async_work(env, background->work_);
  }

  Task task_;
  napi_deferred deferred_ = nullptr;
  napi_async_work work_ = nullptr;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_BACKGROUND_H_
