// SPDX-License-Identifier: MIT
// Memory for key material, and random bytes to fill it.
#include "src/core/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

namespace fakedirty {
namespace {

ssize_t FromKernel(void* buffer, size_t bytes) { return getrandom(buffer, bytes, 0); }

}  // namespace

Secret::~Secret() {
  if (!data_) return;
  Wipe();
  munmap(data_, size_);
}

bool Secret::Allocate(size_t bytes) {
  void* const memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  madvise(memory, bytes, MADV_DONTDUMP);  // without it, all else works
  data_ = static_cast<uint8_t*>(memory);
  size_ = bytes;
  return true;
}

void Secret::Wipe() { explicit_bzero(data_, size_); }

bool FillRandom(void* buffer, size_t bytes, RandomSource source) {
  if (!source) source = FromKernel;
  uint8_t* at = static_cast<uint8_t*>(buffer);
  while (bytes > 0) {
    const ssize_t got = source(at, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

}  // namespace fakedirty
