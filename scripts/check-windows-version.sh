#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Checks and prints the version resource of a Windows program or DLL: that it has one, that the numbers are the text's, and
# that every field an administrator looks at is there.
#   scripts/check-windows-version.sh FILE [FIELD=TEXT...]     e.g. FileVersion=1.0.0
set -euo pipefail
file=${1:?usage: check-windows-version.sh FILE [FIELD=TEXT...]}
shift
windres=$(command -v x86_64-w64-mingw32-windres || command -v windres)
script=$("$windres" -J coff -O rc "$file" 2>/dev/null) || script=
rc=0
field() { sed -n "s/^ *VALUE \"$1\", L\{0,1\}\"\(.*\)\"\$/\1/p" <<<"$script" | head -n 1; }

if ! grep -q VERSIONINFO <<<"$script"; then
  echo "${file##*/} has no version resource"
  exit 1
fi
for name in CompanyName FileDescription FileVersion InternalName OriginalFilename ProductName ProductVersion; do
  [ -n "$(field $name)" ] || { echo "the version resource of ${file##*/} has no $name"; rc=1; }
done
numbers=$(sed -n 's/^ *FILEVERSION \(.*\)$/\1/p' <<<"$script" | tr -d ' \r' | tr ',' '.')
text=$(field FileVersion)
case $numbers. in "${text%%[-+]*}".*) ;; *) echo "FILEVERSION is $numbers, but FileVersion is $text"; rc=1 ;; esac
# What tells an administrator that somebody renamed a DLL.
original=$(field OriginalFilename)
[ "${original,,}" = "$(basename -- "${file,,}")" ] || { echo "OriginalFilename is $original"; rc=1; }
for expected in "$@"; do
  [ "$(field "${expected%%=*}")" = "${expected#*=}" ] || { echo "${expected%%=*} is $(field "${expected%%=*}"), not ${expected#*=}"; rc=1; }
done
echo "version $numbers, $(field FileDescription)"
exit "$rc"
