// SPDX-License-Identifier: MIT
// Work on a thread of the pool, answered with a promise.
#ifndef FAKEDIRTY_ADDON_BACKGROUND_H_
#define FAKEDIRTY_ADDON_BACKGROUND_H_

#include <memory>
#include <utility>

#include "addon/javascript.h"

namespace fakedirty_addon {

// How a piece of work ended: one of the two, or neither when the thread is being terminated.
struct Outcome {
  napi_value answer = nullptr;
  napi_value error = nullptr;
};

// Task has void Run(), on the other thread, and Outcome Finish(napi_env), back on this one. It
// holds all that it needs, so that neither a collected object nor a closed one can pull memory away
// from under it.
template <class Task>
class Background {
 public:
  // The promise; null when the work was not begun.
  static napi_value Start(napi_env env, Task task) {
    std::unique_ptr<Background> background(new Background(std::move(task)));
    const napi_value name = NewText(env, "fakedirty");
    napi_value promise;
    if (napi_create_promise(env, &background->deferred_, &promise) != napi_ok ||
        napi_create_async_work(env, nullptr, name, Execute, Complete, background.get(),
                               &background->work_) != napi_ok) {
      return nullptr;
    }
    if (napi_queue_async_work(env, background->work_) != napi_ok) {
      napi_delete_async_work(env, background->work_);
      return nullptr;
    }
    static_cast<void>(background.release());  // Complete deletes it
    return promise;
  }

 private:
  explicit Background(Task task) : task_(std::move(task)) {}

  static void Execute(napi_env, void* data) { static_cast<Background*>(data)->task_.Run(); }

  static void Complete(napi_env env, napi_status, void* data) {
    const std::unique_ptr<Background> background(static_cast<Background*>(data));
    const Outcome outcome = background->task_.Finish(env);
    if (outcome.error) {
      napi_reject_deferred(env, background->deferred_, outcome.error);
    } else if (outcome.answer) {
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
