// SPDX-License-Identifier: MIT
// Work on a thread of the pool, answered with a promise.
#ifndef FAKEDIRTY_ADDON_BACKGROUND_H_
#define FAKEDIRTY_ADDON_BACKGROUND_H_

#include <napi.h>

#include <utility>

namespace fakedirty_addon {

// Task has void Run(), on the other thread, and Napi::Value Finish(Napi::Env), back on this one:
// its answer settles the promise, and an error it throws rejects it. It holds all that it needs, so
// that neither a collected object nor a closed one can pull memory away from under it.
template <class Task>
class Background : public Napi::AsyncWorker {
 public:
  static Napi::Value Start(Napi::Env env, Task task) {
    auto* const worker = new Background(env, std::move(task));  // deletes itself
    const Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();
    return promise;
  }

 private:
  Background(Napi::Env env, Task task)
      : AsyncWorker(env), task_(std::move(task)), deferred_(Napi::Promise::Deferred::New(env)) {}

  void Execute() override { task_.Run(); }

  void OnOK() override {
    if (!CanRunJavaScript()) return;
    const Napi::Value answer = task_.Finish(Env());
    if (Env().IsExceptionPending()) {
      deferred_.Reject(Env().GetAndClearPendingException().Value());
    } else {
      deferred_.Resolve(answer);
    }
  }

  // Not when a worker thread is terminated: then nobody waits for an answer, and none can be made.
  bool CanRunJavaScript() const {
    napi_value object;
    return napi_create_object(Env(), &object) == napi_ok &&
           napi_object_freeze(Env(), object) == napi_ok;
  }

  Task task_;
  Napi::Promise::Deferred deferred_;
};

}  // namespace fakedirty_addon

#endif  // FAKEDIRTY_ADDON_BACKGROUND_H_
