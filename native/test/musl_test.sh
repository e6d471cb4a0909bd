#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# All sources that call the C library compile with musl's headers, as they must where npx node-gyp builds the addon on
# Alpine. Nothing is linked: Debian has no C++ library for musl.
#
# Usage: musl_test.sh CXX_COMPILER MUSL_HEADERS HEADERS ..., the last being those of Highway, xxHash and Node-API
set -euo pipefail

cxx=${1:?the C++ compiler} musl=${2:?the directory of the headers of musl}
native=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The C++ headers were made for glibc: this takes back what they say of it.
cat >"$work/not_glibc.h" <<'HEADER'
#define __GLIBC_PREREQ(major, minor) 1
#define __locale_t locale_t
#include <bits/c++config.h>
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
HEADER

# The compiler's own headers, without those of glibc. Others lie among glibc's, and are linked to from a directory.
options=(-std=c++17 -fno-exceptions -fno-rtti -Wall -Wextra -Werror -fsyntax-only -nostdinc -include "$work/not_glibc.h")
while read -r directory; do
  options+=(-isystem "$directory")
done < <("$cxx" -E -v -x c++ /dev/null 2>&1 | sed -n '/^#include <\.\.\.>/,/^End/s/^ //p' | grep '/c++')
mkdir "$work/others"
for name in linux asm-generic hwy xxhash.h xxh3.h; do
  [[ -e /usr/include/$name ]] && ln -s "/usr/include/$name" "$work/others"
done
ln -s "/usr/include/$("$cxx" -print-multiarch)/asm" "$work/others"
options+=(-isystem "$musl" -isystem "$("$cxx" -print-file-name=include)" -isystem "$work/others")
for directory in "${@:3}"; do
  [[ $directory == /usr/include ]] || options+=(-isystem "$directory")
done
options+=(-I"$native" -I"$native/include" -DNAPI_VERSION=9 -DNODE_ADDON_API_DISABLE_CPP_EXCEPTIONS
  -DNODE_ADDON_API_DISABLE_DEPRECATED -DNODE_ADDON_API_ENABLE_MAYBE -DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)

# Kernels call nothing but memcpy.
mapfile -t sources < <(grep -E '^(src/|addon/)' "$native/sources.txt" | grep -v '^src/kernels/')
[[ ${#sources[@]} -ge 15 ]] || { echo "found too few sources: ${sources[*]}" >&2; exit 1; }
cd "$native"
printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P 2 "$cxx" "${options[@]}"
# Had glibc's headers been used, this would compile as well.
if "$cxx" "${options[@]}" -x c++ - <<<'#include <gnu/libc-version.h>' 2>/dev/null; then
  echo 'the headers of glibc were found, too' >&2
  exit 1
fi
printf '%s sources compile with the headers of musl\n' "${#sources[@]}"
