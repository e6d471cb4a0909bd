/* SPDX-License-Identifier: MIT */
/*
 * libfakedirty: which pages of a migrating guest really changed?
 *
 * A page that the guest marked dirty is *fake dirty* when it still holds the
 * bytes that the destination already has. This library remembers a fingerprint
 * of what the destination holds, one slot a page, and says for each page:
 * first, zero, changed or unchanged. An unchanged page need not be sent.
 *
 * How certain is "unchanged"? With the default algorithm, ph128, two different
 * pages get the same fingerprint with a probability of at most 2^-125, for any
 * contents chosen without knowledge of the secret key, even by an attacker. The
 * bound is proven (docs/guides/libfakedirty.md), and holds
 *   - for a key drawn uniformly at random and used for one migration only,
 *   - as long as digests and key stay inside the process: never print a ph128
 *     digest,
 *   - between two fingerprints made with the same key.
 * No other algorithm here has a proven bound (fakedirty_algorithm_info).
 *
 * The caller must keep three rules:
 *   - A slot is true or unknown (R1). Check only private copies of guest
 *     pages, never at memory that the guest can write; fakedirty_classify makes
 *     the copies. Commit what was sent, after it was sent.
 *   - Nothing survives a migration (R5). Create a new hasher for each.
 *   - One writer at a time (R6). Threads may work on one table without a lock
 *     as long as no two of them name the same page at the same time.
 *
 * No call allocates, locks or enters the kernel, except those that create,
 * destroy or reset, those that invalidate 16,384 pages or more, and the first
 * commit to each chunk of 16,384 pages, which takes the memory of their slots.
 * Every call checks its arguments first; a call that returns an error has
 * changed nothing.
 */
#ifndef FAKEDIRTY_H
#define FAKEDIRTY_H

#include <stddef.h>
#include <stdint.h>

#define FAKEDIRTY_VERSION_MAJOR 0
#define FAKEDIRTY_VERSION_MINOR 1
#define FAKEDIRTY_VERSION_PATCH 0

#define FAKEDIRTY_PAGE_SIZE_MIN 1024u  /* page sizes are powers of two ... */
#define FAKEDIRTY_PAGE_SIZE_MAX 65536u /* ... between these */
#define FAKEDIRTY_DIGEST_BYTES_MAX 32u
#define FAKEDIRTY_BATCH_MAX 65536u /* pages in one call */

/* Define FAKEDIRTY_STATIC where the library becomes part of another binary: nothing is exported. */
#if defined(__GNUC__) && !defined(FAKEDIRTY_STATIC)
#define FAKEDIRTY_API __attribute__((visibility("default")))
#else
#define FAKEDIRTY_API
#endif
#if defined(__GNUC__)
#define FAKEDIRTY_USE_RESULT __attribute__((warn_unused_result))
#else
#define FAKEDIRTY_USE_RESULT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- Errors -------------------------------------------------------------- */

typedef enum fakedirty_status {
  FAKEDIRTY_OK = 0,
  FAKEDIRTY_ERROR_NULL = -1,       /* a required pointer is NULL */
  FAKEDIRTY_ERROR_ALGORITHM = -2,  /* no such algorithm */
  FAKEDIRTY_ERROR_PAGE_SIZE = -3,  /* not a power of two from 1 KiB to 64 KiB */
  FAKEDIRTY_ERROR_SEED = -4,       /* the algorithm takes no seed, or only a shorter one */
  FAKEDIRTY_ERROR_KEY = -5,        /* the algorithm takes no key, or the key has the wrong length */
  FAKEDIRTY_ERROR_TARGET = -6,     /* this machine does not have that instruction set */
  FAKEDIRTY_ERROR_OPTIONS = -7,    /* the size field of the options is wrong */
  FAKEDIRTY_ERROR_FLAGS = -8,      /* an unknown flag */
  FAKEDIRTY_ERROR_COUNT = -9,      /* more than FAKEDIRTY_BATCH_MAX pages in one call */
  FAKEDIRTY_ERROR_INDEX = -10,     /* a page number at or past the end of the table */
  FAKEDIRTY_ERROR_CAPACITY = -11,  /* the caller's buffer is too small for that many pages */
  FAKEDIRTY_ERROR_OVERLAP = -12,   /* what the call writes overlaps other arguments */
  FAKEDIRTY_ERROR_PAGES = -13,     /* a table of zero pages */
  FAKEDIRTY_ERROR_TOO_LARGE = -14, /* the table does not fit in the address space */
  FAKEDIRTY_ERROR_NO_MEMORY = -15, /* the operating system gave no memory */
  FAKEDIRTY_ERROR_RANDOM = -16     /* the operating system gave no random bytes for the key */
} fakedirty_status;

/* One sentence: what was wrong and what was expected. Never NULL; do not free it. */
FAKEDIRTY_API const char* fakedirty_status_text(int status);

/* The version of the library at run time, "major.minor.patch". */
FAKEDIRTY_API const char* fakedirty_version(void);

/* --- Algorithms ---------------------------------------------------------- */

typedef enum fakedirty_algorithm {
  FAKEDIRTY_PH128 = 0, /* the default */
  FAKEDIRTY_XXH3_128 = 1,
  FAKEDIRTY_XXH3_64 = 2,
  FAKEDIRTY_XXH64 = 3,
  FAKEDIRTY_XXH32 = 4,
  FAKEDIRTY_SHA256 = 5,
  FAKEDIRTY_SHA1 = 6,
  FAKEDIRTY_MD5 = 7,
  FAKEDIRTY_MURMUR3_128 = 8,
  FAKEDIRTY_MURMUR3_32 = 9,
  FAKEDIRTY_CRC32 = 10
} fakedirty_algorithm;

typedef struct fakedirty_algorithm_properties {
  const char* name;        /* "ph128", "xxh3-128", ... */
  uint32_t digest_bytes;   /* 4 to 32; a slot of the table has the same size */
  uint32_t seed_bits;      /* 0 (takes no seed), 32 or 64 */
  uint32_t keyed;          /* 1: has a secret key */
  uint32_t collision_bits; /* n: two pages collide with probability <= 2^-n, proven; 0: no bound */
  uint32_t production;     /* 1: no two contents are known that collide, and nobody can make any */
} fakedirty_algorithm_properties;

/* NULL for an unknown algorithm. To list all algorithms, count up from 0. */
FAKEDIRTY_API const fakedirty_algorithm_properties* fakedirty_algorithm_info(int algorithm);
/* The algorithm of that name, or FAKEDIRTY_ERROR_ALGORITHM. */
FAKEDIRTY_API int fakedirty_algorithm_find(const char* name);
/* The instruction sets that this machine has and this build uses, best first ("avx512-icelake",
   "avx512", "avx2", "sse4", "neon", "portable"). NULL past the last. */
FAKEDIRTY_API const char* fakedirty_target_name(size_t position);

/* --- Hashers: an algorithm, a page size, a key ---------------------------- */

typedef struct fakedirty_hasher fakedirty_hasher;

typedef struct fakedirty_hasher_options {
  size_t size;        /* sizeof(fakedirty_hasher_options) */
  int algorithm;      /* a fakedirty_algorithm */
  size_t page_size;   /* bytes */
  uint64_t seed;      /* for algorithms that take one; otherwise 0 */
  const void* key;    /* NULL: a fresh random key. For a migration, always NULL. */
  size_t key_bytes;   /* fakedirty_key_bytes(); 0 if key is NULL */
  const char* target; /* NULL: FAKEDIRTY_TARGET from the environment, or the machine's best */
} fakedirty_hasher_options;

/* The length of a key. 0 if the algorithm takes none or the page size is invalid. */
FAKEDIRTY_API size_t fakedirty_key_bytes(int algorithm, size_t page_size);

FAKEDIRTY_API FAKEDIRTY_USE_RESULT int fakedirty_hasher_create(
    const fakedirty_hasher_options* options, fakedirty_hasher** hasher);
/* Releases the hasher. Tables made from it keep it alive; when the last of them is destroyed, the
   key is wiped. NULL is allowed. */
FAKEDIRTY_API void fakedirty_hasher_destroy(fakedirty_hasher* hasher);
/* The instruction set that the hasher uses. NULL if hasher is NULL. */
FAKEDIRTY_API const char* fakedirty_hasher_target(const fakedirty_hasher* hasher);
/* How many pages the hasher works on side by side: batches of a multiple of it are fastest.
   0 if hasher is NULL. */
FAKEDIRTY_API size_t fakedirty_hasher_lanes(const fakedirty_hasher* hasher);

/* Writes the digests of count pages, packed, in the byte order that the algorithm's usual tools
   print (integers big-endian). Pages may have any alignment. */
FAKEDIRTY_API FAKEDIRTY_USE_RESULT int fakedirty_digest(const fakedirty_hasher* hasher,
                                                        const void* const* pages, size_t count,
                                                        void* digests, size_t digests_bytes);

/* --- Tables: what the destination holds ----------------------------------- */

typedef struct fakedirty_table fakedirty_table;

/* Keep a full copy of each committed page, and compare it with every page whose fingerprint is
   unchanged. If they differ, the verdict is changed, and the commit counts a false skip. For
   experiments and tests: takes as much memory as the guest. */
#define FAKEDIRTY_TABLE_VERIFY 1u

typedef enum fakedirty_verdict {
  FAKEDIRTY_FIRST = 0, /* the slot is unknown: send the page */
  FAKEDIRTY_ZERO = 1, /* the page is all zero and the destination's is not known to be: send that */
  FAKEDIRTY_CHANGED = 2,  /* send the page */
  FAKEDIRTY_UNCHANGED = 3 /* the destination holds these bytes: nothing to send */
} fakedirty_verdict;

/* What the slot will hold once the page has been sent. Opaque: pass it from check or classify to
   commit. */
typedef struct fakedirty_fingerprint {
  unsigned char bytes[FAKEDIRTY_DIGEST_BYTES_MAX];
} fakedirty_fingerprint;

/* How many bytes a table can come to take, for its slots and for the copies of a verifying table.
   Beyond that there are less than 2 MiB to fill up pages of the operating system, and one byte for
   each chunk of 16,384 pages. Creates nothing: check a limit with it before you begin. */
FAKEDIRTY_API FAKEDIRTY_USE_RESULT int fakedirty_table_bytes(int algorithm, size_t page_size,
                                                             uint64_t pages, uint32_t flags,
                                                             uint64_t* bytes);

/* Creates a table of unknown slots. It takes memory as slots are first written, also under
   mlockall(MCL_FUTURE), and is left out of core dumps. */
FAKEDIRTY_API FAKEDIRTY_USE_RESULT int fakedirty_table_create(fakedirty_hasher* hasher,
                                                              uint64_t pages, uint32_t flags,
                                                              fakedirty_table** table);
/* Returns the memory to the operating system, which takes a while (docs/guides/libfakedirty.md):
   don't make a guest wait for it. NULL is allowed. */
FAKEDIRTY_API void fakedirty_table_destroy(fakedirty_table* table);

/* Copies count guest pages into the stage and gives a verdict on each copy. index[i] is the page's
   number in the table; no page may occur twice in one call, because its second verdict would not
   take the first into account. The guest may write sources[i] during the call. copies[i] is set to
   the private copy inside the stage, or to NULL if the page is unchanged. Verdict and fingerprint
   describe that copy: send the copy, never the source.
   The stage must have room for count pages. The table is not changed. */
FAKEDIRTY_API FAKEDIRTY_USE_RESULT int fakedirty_classify(const fakedirty_table* table,
                                                          const uint64_t* index,
                                                          const void* const* sources, size_t count,
                                                          void* stage, size_t stage_bytes,
                                                          const void** copies, uint8_t* verdicts,
                                                          fakedirty_fingerprint* fingerprints);

/* The same for pages that are private already: nobody may write them during the call, or before
   they have been sent and committed. */
FAKEDIRTY_API FAKEDIRTY_USE_RESULT int fakedirty_check(const fakedirty_table* table,
                                                       const uint64_t* index,
                                                       const void* const* pages, size_t count,
                                                       uint8_t* verdicts,
                                                       fakedirty_fingerprint* fingerprints);

/* Records that these pages have been sent: their slots now hold the fingerprints. Don't call it for
   a page that was dropped instead: its slot stays as it was. Only a verifying table reads pages
   (the bytes that were sent); for other tables it may be NULL. */
FAKEDIRTY_API FAKEDIRTY_USE_RESULT int fakedirty_commit(fakedirty_table* table,
                                                        const uint64_t* index,
                                                        const void* const* pages,
                                                        const fakedirty_fingerprint* fingerprints,
                                                        size_t count);

/* Makes a range of slots unknown: it is no longer known what the destination holds (a failed send,
   a free page hint), or will not be (a page that is sent without a check). A range shorter than
   16,384 pages is overwritten; a longer one gives memory back as well. */
FAKEDIRTY_API FAKEDIRTY_USE_RESULT int fakedirty_table_invalidate(fakedirty_table* table,
                                                                  uint64_t first, uint64_t pages);
/* Makes all slots unknown, clears the counters and gives memory back. */
FAKEDIRTY_API FAKEDIRTY_USE_RESULT int fakedirty_table_reset(fakedirty_table* table);

typedef struct fakedirty_statistics {
  uint64_t pages;       /* = unknown + zero + known */
  uint64_t unknown;     /* slots */
  uint64_t zero;        /* slots of pages that are all zero at the destination */
  uint64_t known;       /* slots with a fingerprint */
  uint64_t false_skips; /* commits of changed pages with an unchanged fingerprint (verify) */
  uint64_t bytes;       /* of address space, for slots and for the copies of a verifying table */
} fakedirty_statistics;

/* Counts the slots in each state. It reads all slots that were ever written; don't call it while
   another thread commits or invalidates. */
FAKEDIRTY_API FAKEDIRTY_USE_RESULT int fakedirty_table_statistics(const fakedirty_table* table,
                                                                  fakedirty_statistics* statistics);

/* false_skips alone, without a walk over the slots. Other threads may commit meanwhile. 0 if table
   is NULL. */
FAKEDIRTY_API uint64_t fakedirty_table_false_skips(const fakedirty_table* table);

#ifdef __cplusplus
}
#endif

#endif /* FAKEDIRTY_H */
