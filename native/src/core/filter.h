// SPDX-License-Identifier: MIT
// The filter: gives a verdict on pages, and records in the table what was sent.
#ifndef FAKEDIRTY_SRC_CORE_FILTER_H_
#define FAKEDIRTY_SRC_CORE_FILTER_H_

#include "include/fakedirty.h"

namespace fakedirty {

// Copies guest pages into the stage and gives a verdict on each copy.
void Classify(const fakedirty_table& table, const uint64_t* index, const void* const* sources,
              size_t count, void* stage, const void** copies, uint8_t* verdicts,
              fakedirty_fingerprint* fingerprints);

// Gives a verdict on pages that nobody writes meanwhile.
void Check(const fakedirty_table& table, const uint64_t* index, const void* const* pages,
           size_t count, uint8_t* verdicts, fakedirty_fingerprint* fingerprints);

// These pages have been sent. A verifying table reads and keeps them; others ignore pages.
void Commit(fakedirty_table& table, const uint64_t* index, const void* const* pages,
            const fakedirty_fingerprint* fingerprints, size_t count);

}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_FILTER_H_
