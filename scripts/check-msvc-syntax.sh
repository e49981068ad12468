#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# What can be known here of how Microsoft's compiler will take the sources: clang reads them for Windows with Microsoft's
# extensions and late template parsing, against the MinGW headers, and with every extension of GNU an error. It compiles
# nothing. MSVC's own library, headers and defects are not covered: .github/workflows/windows.yml is for those.
#   scripts/check-msvc-syntax.sh [-j N] [FILE...]
# Without FILE: each public header alone, the sources of the Windows build, and the examples. Needs clang,
# g++-mingw-w64-x86-64-posix and the prefix of scripts/setup-windows-cross.sh.
set -euo pipefail
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
. "$here/common.sh"
cd -- "$here/.."

jobs=1
if [ "${1:-}" = -j ]; then
  jobs=${2:?-j needs a number}
  shift 2
fi
prefix=$HOLDFAST_CACHE/mingw
compiler=$(command -v clang++) || die "clang++ is not installed (package clang)"
library=$(find /usr/lib/gcc/x86_64-w64-mingw32 -maxdepth 3 -path '*-posix/include/c++' 2>/dev/null | sort -V | tail -n 1)
[ -n "$library" ] || die "the C++ library of g++-mingw-w64-x86-64-posix is not installed"
[ -e "$prefix/.complete" ] || die "$prefix is missing: scripts/setup-windows-cross.sh $prefix makes it"

options=(--target=x86_64-w64-windows-gnu -std=c++20 -fsyntax-only -nostdlibinc -nostdinc++
  -isystem "$library" -isystem "$library/x86_64-w64-mingw32" -isystem "$library/backward"
  -isystem /usr/share/mingw-w64/include -isystem "$prefix/include" -Iinclude -Isrc -Itests
  -fms-extensions -fdelayed-template-parsing
  -pedantic-errors -Werror=gnu -Werror=vla -Werror=c99-designator -Werror=zero-length-array -Wno-unknown-warning-option
  -D_WIN32_WINNT=0x0A00 -DWIN32_LEAN_AND_MEAN -DNOMINMAX -DBOOST_ALL_NO_LIB -DBOOST_ASIO_NO_DEPRECATED
  -DBOOST_CHRONO_HEADER_ONLY -DFMT_HEADER_ONLY=1
  -DSQLITECPP_HAVE_STD_FILESYSTEM=)   # it asks for the version of a GCC, and takes clang for an old one

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
files=()
if [ $# -gt 0 ]; then
  files=("$@")
else
  # Each header twice in a file of its own, as tests/unit does it.
  while read -r header; do
    file=$scratch/${header//\//_}.cpp
    printf '#include <%s>\n#include <%s>\n' "${header#include/}" "${header#include/}" >"$file"
    files+=("$file")
  done < <(find include/holdfast -name '*.hpp' | sort)
  # What another system compiles in its place is no business of this one.
  while read -r file; do files+=("$file"); done < <(
    if [ -e build/mingw/compile_commands.json ]; then
      sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' build/mingw/compile_commands.json |
        grep -E "^$PWD/(src|examples)/" | sort -u
    else
      find src/core src/exec src/abi src/adapters src/testing -name '*.cpp' ! -name '*_posix.cpp' ! -name '*_linux.cpp' | sort
    fi)
fi

rc=0
printf '%s\n' "${files[@]}" >"$scratch/files"
xargs -d '\n' -P "$jobs" -n 1 "$compiler" "${options[@]}" <"$scratch/files" >"$scratch/log" 2>&1 || rc=1
if [ "$rc" -ne 0 ]; then
  grep -E -A4 'error:' "$scratch/log" | sed "s|$scratch/||" | head -n 60 || true
fi
say "$(wc -l <"$scratch/files") files, $(grep -cE 'error:' "$scratch/log" || true) errors ($(seconds_since 0))"
exit "$rc"
