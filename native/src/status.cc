// SPDX-License-Identifier: MIT
// The texts of the status codes, and the version.
#include "include/fakedirty.h"

#define FAKEDIRTY_TEXT(number) #number
#define FAKEDIRTY_TEXT_OF(number) FAKEDIRTY_TEXT(number)

const char* fakedirty_status_text(int status) {
  switch (status) {
    case FAKEDIRTY_OK:
      return "no error";
    case FAKEDIRTY_ERROR_NULL:
      return "a required pointer (or an entry of an array of pages) is NULL";
    case FAKEDIRTY_ERROR_ALGORITHM:
      return "unknown algorithm; fakedirty_algorithm_info lists them";
    case FAKEDIRTY_ERROR_PAGE_SIZE:
      return "the page size must be a power of two from 1024 to 65536 bytes";
    case FAKEDIRTY_ERROR_SEED:
      return "this algorithm takes no seed, or one of 32 bits: use 0 or a smaller one";
    case FAKEDIRTY_ERROR_KEY:
      return "this algorithm takes no key, or one of exactly fakedirty_key_bytes() bytes";
    case FAKEDIRTY_ERROR_TARGET:
      return "the instruction set asked for (by the options or by FAKEDIRTY_TARGET in the "
             "environment) is unknown or missing here; fakedirty_target_name lists those available";
    case FAKEDIRTY_ERROR_OPTIONS:
      return "the size field of the options must be sizeof(fakedirty_hasher_options)";
    case FAKEDIRTY_ERROR_FLAGS:
      return "unknown table flags; FAKEDIRTY_TABLE_VERIFY is the only one";
    case FAKEDIRTY_ERROR_COUNT:
      return "more than 65536 pages (FAKEDIRTY_BATCH_MAX) in one call";
    case FAKEDIRTY_ERROR_INDEX:
      return "a page number lies past the end of the table";
    case FAKEDIRTY_ERROR_CAPACITY:
      return "the output buffer is too small for that many pages";
    case FAKEDIRTY_ERROR_OVERLAP:
      return "what the call writes (stage, digests, an array) overlaps what it reads or other "
             "output";
    case FAKEDIRTY_ERROR_PAGES:
      return "a table needs at least one page";
    case FAKEDIRTY_ERROR_TOO_LARGE:
      return "a table of that many pages does not fit any address space";
    case FAKEDIRTY_ERROR_NO_MEMORY:
      return "the operating system gave no memory";
    case FAKEDIRTY_ERROR_RANDOM:
      return "the operating system gave no random bytes for the key";
    default:
      return "unknown status code";
  }
}

const char* fakedirty_version(void) {
  return FAKEDIRTY_TEXT_OF(FAKEDIRTY_VERSION_MAJOR) "." FAKEDIRTY_TEXT_OF(
      FAKEDIRTY_VERSION_MINOR) "." FAKEDIRTY_TEXT_OF(FAKEDIRTY_VERSION_PATCH);
}
