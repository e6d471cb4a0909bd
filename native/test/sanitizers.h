// SPDX-License-Identifier: MIT
// Which sanitizer this program is built with, whether it runs in an emulator, and by how much tests
// reduce their work for it.
#ifndef FAKEDIRTY_TEST_SANITIZERS_H_
#define FAKEDIRTY_TEST_SANITIZERS_H_

namespace fakedirty_test {

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FAKEDIRTY_TEST_THREAD_SANITIZER 1
#endif
#if __has_feature(address_sanitizer)
#define FAKEDIRTY_TEST_ADDRESS_SANITIZER 1
#endif
#endif

#if defined(__SANITIZE_THREAD__) || defined(FAKEDIRTY_TEST_THREAD_SANITIZER)
constexpr bool kThreadSanitizer = true;
#else
constexpr bool kThreadSanitizer = false;
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(FAKEDIRTY_TEST_ADDRESS_SANITIZER)
constexpr bool kAddressSanitizer = true;
#else
constexpr bool kAddressSanitizer = false;
#endif

constexpr bool kSanitizer = kThreadSanitizer || kAddressSanitizer;

// QEMU's user mode translates the instructions of another processor. It knows fewer system calls,
// and a process's memory holds the emulator's own as well.
#if defined(FAKEDIRTY_TEST_EMULATED)
constexpr bool kEmulated = true;
#else
constexpr bool kEmulated = false;
#endif

// About ten times slower, so tests do fewer rounds.
constexpr bool kSlow = kSanitizer || kEmulated;
constexpr int Scaled(int rounds) { return kSlow ? rounds / 10 + 1 : rounds; }

}  // namespace fakedirty_test

#endif  // FAKEDIRTY_TEST_SANITIZERS_H_
