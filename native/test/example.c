/* SPDX-License-Identifier: MIT */
/*
 * A whole migration in miniature: two passes over a guest of sixteen pages. Between them the guest
 * changes a page, clears one, and stores into others the values that they already hold.
 */
#include <fakedirty.h>
#include <stdio.h>
#include <string.h>

enum { PAGES = 16, PAGE_SIZE = 4096 };

static unsigned char guest[PAGES][PAGE_SIZE];       /* the source's memory */
static unsigned char destination[PAGES][PAGE_SIZE]; /* what the other side has received */
static unsigned char stage[PAGES][PAGE_SIZE];       /* private copies, sent from here */

/* One pass over the marked pages. Their marks have been cleared before (R2). */
static int send_dirty_pages(fakedirty_table* table, const uint64_t* dirty, size_t count) {
  const void* sources[PAGES];
  const void* copies[PAGES];
  uint8_t verdicts[PAGES];
  fakedirty_fingerprint fingerprints[PAGES];
  unsigned of_verdict[4] = {0, 0, 0, 0};

  for (size_t i = 0; i < count; i++) {
    sources[i] = guest[dirty[i]];
  }
  int status = fakedirty_classify(table, dirty, sources, count, stage, sizeof(stage), copies,
                                  verdicts, fingerprints);
  for (size_t i = 0; i < count && status == FAKEDIRTY_OK; i++) {
    of_verdict[verdicts[i]]++;
    if (verdicts[i] == FAKEDIRTY_UNCHANGED) {
      continue; /* fake dirty: the destination holds these bytes */
    }
    memcpy(destination[dirty[i]], copies[i], PAGE_SIZE); /* "send" */
    status = fakedirty_commit(table, &dirty[i], &copies[i], &fingerprints[i], 1);
  }
  if (status == FAKEDIRTY_OK) {
    printf("first %u, zero %u, changed %u, unchanged %u\n", of_verdict[FAKEDIRTY_FIRST],
           of_verdict[FAKEDIRTY_ZERO], of_verdict[FAKEDIRTY_CHANGED],
           of_verdict[FAKEDIRTY_UNCHANGED]);
  }
  return status;
}

static int migrate(fakedirty_table* table) {
  uint64_t all[PAGES];
  for (uint64_t i = 0; i < PAGES; i++) {
    all[i] = i;
    memset(guest[i], (int)(i % 4), PAGE_SIZE); /* every fourth page is zero */
  }
  const int status = send_dirty_pages(table, all, PAGES);
  if (status != FAKEDIRTY_OK) {
    return status;
  }
  guest[1][100] = 200;              /* changed */
  memset(guest[2], 0, PAGE_SIZE);   /* cleared */
  guest[3][0] = 3;                  /* the value that was there already */
  guest[5][7] = 9, guest[5][7] = 1; /* changed and changed back */
  memset(guest[4], 0, PAGE_SIZE);   /* was zero before */
  const uint64_t marked[] = {1, 2, 3, 4, 5};
  return send_dirty_pages(table, marked, sizeof(marked) / sizeof(marked[0]));
}

int main(void) {
  fakedirty_hasher_options options = {
      .size = sizeof(options), .algorithm = FAKEDIRTY_PH128, .page_size = PAGE_SIZE};
  fakedirty_hasher* hasher = NULL;
  fakedirty_table* table = NULL;

  int status = fakedirty_hasher_create(&options, &hasher);
  if (status == FAKEDIRTY_OK) {
    status = fakedirty_table_create(hasher, PAGES, 0, &table);
  }
  fakedirty_hasher_destroy(hasher); /* the table keeps it */
  if (status == FAKEDIRTY_OK) {
    status = migrate(table);
  }
  fakedirty_table_destroy(table);
  if (status != FAKEDIRTY_OK) {
    fprintf(stderr, "fakedirty: %s\n", fakedirty_status_text(status));
    return 1;
  }
  const int same = memcmp(guest, destination, sizeof(guest)) == 0;
  printf("libfakedirty %s: the destination is %s\n", fakedirty_version(), same ? "right" : "wrong");
  return same ? 0 : 1;
}
