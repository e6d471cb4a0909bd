/* SPDX-License-Identifier: MIT */
/*
 * libfakedirty: which pages of a migrating guest really changed?
 *
 * A page that the guest marked dirty is *fake dirty* when it still holds the
 * bytes that the destination already has. This library remembers a fingerprint
 * of what the destination holds, one slot a page, and says for each page:
 * first, zero, changed or unchanged. An unchanged page need not be sent.
 *
 * How sure is "unchanged"? With the default algorithm, ph128, two different
 * pages get the same fingerprint with a probability of at most 2^-125, for any
 * contents chosen without knowledge of the secret key, the guest's own and an
 * attacker's included. The bound is proven (docs/guides/libfakedirty.md), and holds
 *   - for a key drawn uniformly at random and used for one migration only,
 *   - while digests and key stay inside the process: never print a ph128 digest,
 *   - for the comparison of two fingerprints made with the same key.
 * No other algorithm here has a proven bound; fakedirty_algorithm_info says so.
 *
 * Three rules are the caller's to keep:
 *   - A slot tells the truth or is unknown (R1). Look only at private copies of
 *     guest pages, never at memory that the guest can write: fakedirty_classify
 *     makes the copies. Commit what was sent, after it was sent.
 *   - Nothing survives a migration (R5): a new hasher for each.
 *   - One writer at a time (R6): two threads may work on one table without a
 *     lock as long as they never name the same page at the same time.
 *
 * No call allocates, locks or enters the kernel, except the ones that create,
 * destroy, invalidate or forget, and the first commit to each stretch of 16,384
 * pages: it asks for the memory of their slots. Every call checks its arguments
 * before it does anything: on an error it has changed nothing and says why.
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

/* FAKEDIRTY_STATIC: the library becomes part of what is built, and shows nothing to others. */
#if defined(__GNUC__) && !defined(FAKEDIRTY_STATIC)
#define FAKEDIRTY_API __attribute__((visibility("default")))
#else
#define FAKEDIRTY_API
#endif
#if defined(__GNUC__)
#define FAKEDIRTY_CHECK __attribute__((warn_unused_result))
#else
#define FAKEDIRTY_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- Errors -------------------------------------------------------------- */

typedef enum fakedirty_status {
  FAKEDIRTY_OK = 0,
  FAKEDIRTY_ERROR_NULL = -1,       /* a pointer that must not be null is null */
  FAKEDIRTY_ERROR_ALGORITHM = -2,  /* no such algorithm */
  FAKEDIRTY_ERROR_PAGE_SIZE = -3,  /* not a power of two from 1 KiB to 64 KiB */
  FAKEDIRTY_ERROR_SEED = -4,       /* the algorithm takes no seed, or a shorter one */
  FAKEDIRTY_ERROR_KEY = -5,        /* the algorithm takes no key, or one of another length */
  FAKEDIRTY_ERROR_TARGET = -6,     /* this machine has no such instruction set */
  FAKEDIRTY_ERROR_OPTIONS = -7,    /* the options' size field is not one that this library knows */
  FAKEDIRTY_ERROR_FLAGS = -8,      /* an unknown flag */
  FAKEDIRTY_ERROR_COUNT = -9,      /* more than FAKEDIRTY_BATCH_MAX pages in one call */
  FAKEDIRTY_ERROR_INDEX = -10,     /* a page number at or past the end of the table */
  FAKEDIRTY_ERROR_CAPACITY = -11,  /* the caller's buffer is too small for that many pages */
  FAKEDIRTY_ERROR_OVERLAP = -12,   /* what the call writes overlaps what it reads or other output */
  FAKEDIRTY_ERROR_PAGES = -13,     /* a table of no pages */
  FAKEDIRTY_ERROR_TOO_LARGE = -14, /* a table that no address space can hold */
  FAKEDIRTY_ERROR_NO_MEMORY = -15, /* the operating system has no memory for it */
  FAKEDIRTY_ERROR_RANDOM = -16     /* the operating system gave no random key */
} fakedirty_status;

/* One sentence: what was wrong, what is expected. Never null, never freed. */
FAKEDIRTY_API const char* fakedirty_status_text(int status);

/* The version of the library that is running, as "major.minor.patch". */
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
  uint32_t collision_bits; /* n: two pages collide with p <= 2^-n, proven; 0: no bound is known */
  uint32_t production;     /* 1: no contents are known, and none can be made, that pass for
                              unchanged when they are not */
} fakedirty_algorithm_properties;

/* Null for an unknown algorithm: count up from 0 to list them all. */
FAKEDIRTY_API const fakedirty_algorithm_properties* fakedirty_algorithm_info(int algorithm);
/* The algorithm of that name, or FAKEDIRTY_ERROR_ALGORITHM. */
FAKEDIRTY_API int fakedirty_algorithm_find(const char* name);
/* The instruction sets that this machine has and this build uses, best first ("avx512-icelake",
   "avx512", "avx2", "sse4", "neon", "portable"); null past the last. */
FAKEDIRTY_API const char* fakedirty_target_name(size_t position);

/* --- Hashers: an algorithm, a page size, a key ---------------------------- */

typedef struct fakedirty_hasher fakedirty_hasher;

typedef struct fakedirty_hasher_options {
  size_t size;      /* sizeof(fakedirty_hasher_options) */
  int algorithm;    /* a fakedirty_algorithm */
  size_t page_size; /* bytes */
  uint64_t seed;    /* for algorithms that take one; 0 otherwise */
  const void* key;  /* null: a fresh one from the operating system (for a migration, always null) */
  size_t key_bytes; /* of key: fakedirty_key_bytes(); 0 when it is null */
  const char* target; /* null: FAKEDIRTY_TARGET from the environment, or the machine's best */
} fakedirty_hasher_options;

/* The length of a key; 0 when the algorithm has none or the page size is not one. */
FAKEDIRTY_API size_t fakedirty_key_bytes(int algorithm, size_t page_size);

FAKEDIRTY_API FAKEDIRTY_CHECK int fakedirty_hasher_create(const fakedirty_hasher_options* options,
                                                          fakedirty_hasher** hasher);
/* Lets go of the hasher. Tables made from it keep it until they are destroyed; with the last of
   them the key is wiped. Null is allowed. */
FAKEDIRTY_API void fakedirty_hasher_destroy(fakedirty_hasher* hasher);
/* The instruction set that it runs on. Null for null. */
FAKEDIRTY_API const char* fakedirty_hasher_target(const fakedirty_hasher* hasher);
/* How many pages fill its SIMD lanes: batches of a multiple are fastest. 0 for null. */
FAKEDIRTY_API size_t fakedirty_hasher_lanes(const fakedirty_hasher* hasher);

/* Writes the digests of count pages, packed, in the byte order of the algorithm's own tools
   (integers big-endian). Pages may lie anywhere, with any alignment. */
FAKEDIRTY_API FAKEDIRTY_CHECK int fakedirty_digest(const fakedirty_hasher* hasher,
                                                   const void* const* pages, size_t count,
                                                   void* digests, size_t digests_bytes);

/* --- Tables: what the destination holds ----------------------------------- */

typedef struct fakedirty_table fakedirty_table;

/* Keep a full copy of what was committed, and compare it with each page that seems unchanged: a
   page whose fingerprint lies is reported as changed, and counted as a false skip when it is
   committed. For experiments and tests; costs the guest's memory once more. */
#define FAKEDIRTY_TABLE_VERIFY 1u

typedef enum fakedirty_verdict {
  FAKEDIRTY_FIRST = 0, /* the slot is unknown: send the page */
  FAKEDIRTY_ZERO = 1, /* the page is all zero and the destination's is not known to be: send that */
  FAKEDIRTY_CHANGED = 2,  /* send the page */
  FAKEDIRTY_UNCHANGED = 3 /* the destination holds these bytes: nothing to send */
} fakedirty_verdict;

/* What a slot will hold once the page has been sent. Opaque: from look to commit. */
typedef struct fakedirty_fingerprint {
  unsigned char bytes[FAKEDIRTY_DIGEST_BYTES_MAX];
} fakedirty_fingerprint;

/* All slots are unknown. Memory is taken from the operating system as slots are first written. */
FAKEDIRTY_API FAKEDIRTY_CHECK int fakedirty_table_create(fakedirty_hasher* hasher, uint64_t pages,
                                                         uint32_t flags, fakedirty_table** table);
/* Null is allowed. */
FAKEDIRTY_API void fakedirty_table_destroy(fakedirty_table* table);

/* Copies count guest pages into the stage and says of each copy what it is. index[i] is the page's
   number in the table, each at most once: the second verdict on a page would not know of the first.
   sources[i] may be written by the guest meanwhile. copies[i] is the private copy, a page inside
   the stage, or null when the page is unchanged (such a page takes no room).
   Verdict, fingerprint and what must be sent all belong to that copy, and to nothing else.
   The stage must hold count pages. Changes nothing in the table. */
FAKEDIRTY_API FAKEDIRTY_CHECK int fakedirty_classify(const fakedirty_table* table,
                                                     const uint64_t* index,
                                                     const void* const* sources, size_t count,
                                                     void* stage, size_t stage_bytes,
                                                     const void** copies, uint8_t* verdicts,
                                                     fakedirty_fingerprint* fingerprints);

/* The same for pages that are private already: nobody may write them during the call, nor until
   they are committed. */
FAKEDIRTY_API FAKEDIRTY_CHECK int fakedirty_look(const fakedirty_table* table,
                                                 const uint64_t* index, const void* const* pages,
                                                 size_t count, uint8_t* verdicts,
                                                 fakedirty_fingerprint* fingerprints);

/* These copies have been sent: the slots now hold their fingerprints. A page that was dropped
   instead needs no call, its slot is as it was. pages (the bytes that were sent) are read only by
   a verifying table and may be null for others. */
FAKEDIRTY_API FAKEDIRTY_CHECK int fakedirty_commit(fakedirty_table* table, const uint64_t* index,
                                                   const void* const* pages,
                                                   const fakedirty_fingerprint* fingerprints,
                                                   size_t count);

/* What the destination holds of these pages is not known any more (a failed send, a hint). */
FAKEDIRTY_API FAKEDIRTY_CHECK int fakedirty_table_invalidate(fakedirty_table* table, uint64_t first,
                                                             uint64_t pages);
/* All slots unknown, counters zero, memory given back. */
FAKEDIRTY_API FAKEDIRTY_CHECK int fakedirty_table_forget(fakedirty_table* table);

typedef struct fakedirty_table_counts {
  uint64_t pages;       /* = unknown + zero + known */
  uint64_t unknown;     /* slots */
  uint64_t zero;        /* slots: the destination's page is all zero */
  uint64_t known;       /* slots with a fingerprint */
  uint64_t false_skips; /* pages committed whose fingerprint would have hidden a change (verify) */
  uint64_t bytes;       /* of address space: slots, and copies when verifying */
} fakedirty_table_counts;

/* Walks all slots that were ever written; not while another thread commits or invalidates. */
FAKEDIRTY_API FAKEDIRTY_CHECK int fakedirty_table_count(const fakedirty_table* table,
                                                        fakedirty_table_counts* counts);

#ifdef __cplusplus
}
#endif

#endif /* FAKEDIRTY_H */
