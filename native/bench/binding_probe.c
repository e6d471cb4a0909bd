/* SPDX-License-Identifier: MIT */
/*
 * The native side of "what does the binding cost?": a Node-API addon that makes the same calls of
 * the C ABI, on the same pages and in the same process, as the TypeScript call beside which it is
 * timed, but with nothing between them. Linked with the static library that fakedirty-bench is
 * linked with.
 *
 *   allocate(bytes)                                memory like a guest's: huge pages where there
 * are any run(algorithm, pageSize, pages, batch, passes) digests all pages, passes times; answers
 * nanoseconds
 */
#include <node_api.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "fakedirty.h"

#define BATCH_MAX 4096

static napi_value fail(napi_env env, const char* why) {
  napi_throw_error(env, NULL, why);
  return NULL;
}

static void unmap(napi_env env, void* memory, void* bytes) {
  (void)env;
  munmap(memory, (size_t)(uintptr_t)bytes);
}

static napi_value allocate(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1], buffer;
  uint32_t bytes;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 1 ||
      napi_get_value_uint32(env, arguments[0], &bytes) != napi_ok) {
    return fail(env, "allocate(bytes)");
  }
  void* const memory =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail(env, "no memory for that many bytes");
  madvise(memory, bytes, MADV_HUGEPAGE);
  if (napi_create_external_arraybuffer(env, memory, bytes, unmap, (void*)(uintptr_t)bytes,
                                       &buffer) != napi_ok) {
    munmap(memory, bytes);
    return fail(env, "this Node takes no memory of others");
  }
  return buffer;
}

static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* One after another, batch by batch, as a program in C would do it. */
static int digest_all(const fakedirty_hasher* hasher, const uint8_t* bytes, size_t page_size,
                      size_t pages, size_t batch, uint8_t* digests) {
  const void* at[BATCH_MAX];
  for (size_t done = 0; done < pages; done += batch) {
    const size_t some = pages - done < batch ? pages - done : batch;
    for (size_t i = 0; i < some; ++i) at[i] = bytes + (done + i) * page_size;
    const int status =
        fakedirty_digest(hasher, at, some, digests, BATCH_MAX * FAKEDIRTY_DIGEST_BYTES_MAX);
    if (status != FAKEDIRTY_OK) return status;
  }
  return FAKEDIRTY_OK;
}

static napi_value run(napi_env env, napi_callback_info info) {
  size_t count = 5, length;
  napi_value arguments[5], result;
  uint32_t algorithm, page_size, batch, passes;
  napi_typedarray_type type;
  void* data;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 5 ||
      napi_get_value_uint32(env, arguments[0], &algorithm) != napi_ok ||
      napi_get_value_uint32(env, arguments[1], &page_size) != napi_ok ||
      napi_get_typedarray_info(env, arguments[2], &type, &length, &data, NULL, NULL) != napi_ok ||
      napi_get_value_uint32(env, arguments[3], &batch) != napi_ok ||
      napi_get_value_uint32(env, arguments[4], &passes) != napi_ok || type != napi_uint8_array ||
      page_size == 0 || batch == 0 || batch > BATCH_MAX) {
    return fail(env, "run(algorithm, pageSize, pages, batch, passes)");
  }
  fakedirty_hasher_options options = {0};
  options.size = sizeof(options);
  options.algorithm = (int)algorithm;
  options.page_size = page_size;
  fakedirty_hasher* hasher;
  int status = fakedirty_hasher_create(&options, &hasher);
  if (status != FAKEDIRTY_OK) return fail(env, fakedirty_status_text(status));
  uint8_t* const digests = malloc(BATCH_MAX * FAKEDIRTY_DIGEST_BYTES_MAX);
  if (!digests) {
    fakedirty_hasher_destroy(hasher);
    return fail(env, "no memory for digests");
  }
  const double start_ns = now_ns();
  for (uint32_t pass = 0; pass < passes && status == FAKEDIRTY_OK; ++pass) {
    status = digest_all(hasher, data, page_size, length / page_size, batch, digests);
  }
  const double took_ns = now_ns() - start_ns;
  free(digests);
  fakedirty_hasher_destroy(hasher);
  if (status != FAKEDIRTY_OK) return fail(env, fakedirty_status_text(status));
  return napi_create_double(env, took_ns, &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT() {
  napi_value function;
  if (napi_create_function(env, "allocate", NAPI_AUTO_LENGTH, allocate, NULL, &function) !=
          napi_ok ||
      napi_set_named_property(env, exports, "allocate", function) != napi_ok ||
      napi_create_function(env, "run", NAPI_AUTO_LENGTH, run, NULL, &function) != napi_ok ||
      napi_set_named_property(env, exports, "run", function) != napi_ok) {
    return NULL;
  }
  return exports;
}
