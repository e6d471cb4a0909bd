#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The installed library as its users find it: pkg-config, C, shared and static, and what it exports.
#
# Usage: install_test.sh BUILD_DIRECTORY C_COMPILER CXX_COMPILER [EMULATOR ...], which runs what the compilers make
set -euo pipefail

build=${1:?the build directory} cc=${2:?the C compiler} cxx=${3:?the C++ compiler}
emulator=("${@:4}")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
export LC_ALL=C

fail() {
  printf 'install_test: %s\n' "$*" >&2
  exit 1
}

# Both lists must be the same; says which lines only one has.
expect_same() { # description expected actual
  diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") >"$work/diff" && return
  fail "$1 (< expected, > found):"$'\n'"$(cat "$work/diff")"
}

cmake --install "$build" --prefix "$prefix" >"$work/install.log"
pc=$(find "$prefix" -name fakedirty.pc)
[[ -n $pc ]] || fail "no fakedirty.pc was installed"
# pkg-config files hold the prefix that was configured; this one is elsewhere.
configured=$(sed -n 's/^prefix=//p' "$pc")
sed -i "s|$configured|$prefix|g" "$pc"
libraries=$(dirname "$(dirname "$pc")")
header=$prefix/include/fakedirty.h
shared=$libraries/libfakedirty.so
static=$libraries/libfakedirty.a
for file in "$header" "$shared" "$static"; do
  [[ -e $file ]] || fail "$(basename "$file") was not installed"
done
export PKG_CONFIG_PATH=$libraries/pkgconfig
# The libraries that a program or library names itself.
needed_by() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
config() { pkg-config "$@" fakedirty; }

# --- The example, in C ---------------------------------------------------------
version=$(config --modversion)
expected="first 12, zero 4, changed 0, unchanged 0
first 0, zero 1, changed 1, unchanged 3
libfakedirty $version: the destination is right"
warnings=(-Wall -Wextra -Werror -pedantic)
strict=(-std=c11 "${warnings[@]}")

# Word splitting of what pkg-config says is wanted.
# shellcheck disable=SC2046
"$cc" "${strict[@]}" $(config --cflags) "$here/example.c" -o "$work/shared" $(config --libs)
expect_same "the example with the shared library" "$expected" \
  "$(LD_LIBRARY_PATH=$libraries "${emulator[@]}" "$work/shared")"

mkdir "$work/static_only"
cp "$static" "$work/static_only"
# The linker prefers a shared library: it finds only the static one.
static_libs=$(config --libs --static)
# shellcheck disable=SC2046,SC2086
"$cc" "${strict[@]}" $(config --cflags) "$here/example.c" -o "$work/static" \
  ${static_libs//$libraries/$work/static_only}
expect_same "the example with the static library" "$expected" "$("${emulator[@]}" "$work/static")"
needed_by "$work/static" | grep -q libfakedirty && fail "the static example needs the shared library"

# --- The header alone ----------------------------------------------------------
echo '#include <fakedirty.h>' >"$work/alone.c"
cp "$work/alone.c" "$work/alone.cc"
for standard in c99 c11 c17; do
  "$cc" -std=$standard "${warnings[@]}" -I"$prefix/include" -fsyntax-only "$work/alone.c"
done
for standard in c++11 c++17; do
  "$cxx" -std=$standard "${warnings[@]}" -I"$prefix/include" -fsyntax-only "$work/alone.cc"
done

# --- What it exports and needs -------------------------------------------------
soname=$(readelf -d "$shared" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
expect_same "the SONAME" "libfakedirty.so.${version%%.*}" "$soname"

# Each declaration's name stands before its first bracket. (No comment of the header says
# FAKEDIRTY_API.)
declared=$(grep -v '^#' "$header" | tr '\n' ' ' | grep -oE 'FAKEDIRTY_API[^;(]*\(' |
  grep -oE '[a-z0-9_]+ *\($' | tr -d ' (' | sort)
[[ $(wc -l <<<"$declared") -ge 19 ]] || fail "found too few declarations in the header: $declared"
exported=$(nm -D --defined-only "$shared" | awk '{ print $3 }' | sort)
expect_same "the exported symbols" "$declared" "$exported"

# In the archive C names are those of the header, C++ names are ours: nothing clashes with a user's.
archived=$(nm -g --defined-only "$static" | awk 'NF == 3 { print $3 }' | sort -u)
expect_same "the archive's C symbols" "$declared" "$(grep -v '^_Z' <<<"$archived")"
ours='^_Z(N|NK|ZN|ZNK|GVZN)(9fakedirty|15fakedirty_table|16fakedirty_hasher)'
foreign=$(grep '^_Z' <<<"$archived" | grep -vE "$ours" || true)
expect_same "foreign C++ symbols in the archive" "" "$foreign"

# No exceptions, no RTTI.
for library in "$shared" "$static"; do
  needed=$(nm --undefined-only "$library" 2>/dev/null |
    grep -oE '__cxa_throw|__cxa_begin_catch|__gxx_personality_v0|_Unwind_Resume|_ZT[IS].*' || true)
  expect_same "exceptions or RTTI in $(basename "$library")" "" "$needed"
done

# Nothing to wait for another thread with.
locks=$(nm -D --undefined-only "$shared" |
  grep -oE '(pthread|sem|mtx|cnd|syscall|futex|__cxa_guard)[a-z_]*' || true)
expect_same "locks in the shared library" "" "$locks"

needed=$(needed_by "$shared")
system='^(libc|libm|libstdc\+\+|libgcc_s|ld-linux[^/]*)\.so[.0-9]*$'
foreign=$(grep -vE "$system" <<<"$needed" || true)
expect_same "libraries beyond the system's own" "" "$foreign"

printf 'installed, linked both ways, %s functions exported; it needs: %s\n' \
  "$(wc -l <<<"$exported")" "$(tr '\n' ' ' <<<"$needed")"
