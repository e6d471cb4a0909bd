// SPDX-License-Identifier: MIT
// Switches that break a rule on purpose, so that the tests are known to notice. They exist only in
// libraries that CMake builds for the tests; an installed library is built with none.
#ifndef FAKEDIRTY_SRC_CORE_BROKEN_H_
#define FAKEDIRTY_SRC_CORE_BROKEN_H_

namespace fakedirty {
namespace broken {

#if defined(FAKEDIRTY_BREAK_R1)
constexpr bool kLiveFingerprint = true;  // fingerprint guest memory first, copy it a little later
#else
constexpr bool kLiveFingerprint = false;
#endif

#if defined(FAKEDIRTY_BREAK_R5)
constexpr bool kNothingForgotten = true;  // slots outlive a migration
#else
constexpr bool kNothingForgotten = false;
#endif

#if defined(FAKEDIRTY_BREAK_R6)
constexpr bool kNeighboursRewritten = true;  // a slot is written together with those around it
#else
constexpr bool kNeighboursRewritten = false;
#endif

#if defined(FAKEDIRTY_CRIPPLE_BITS)
constexpr int kFingerprintBits = FAKEDIRTY_CRIPPLE_BITS;  // so few that false skips do happen
#else
constexpr int kFingerprintBits = 0;  // all of them
#endif

}  // namespace broken
}  // namespace fakedirty

#endif  // FAKEDIRTY_SRC_CORE_BROKEN_H_
