#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Prints the path of the OCF 1.1 schema as pcs has it, taken once from the Debian package pcs, which is not installed.
# Exit status 77 if it cannot be had: no Debian, or no package server.
#   scripts/ocf-schema.sh
set -euo pipefail
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
. "$here/common.sh"

schema=usr/share/pcs/data/ocf-1.1.rng
cached=$HOLDFAST_CACHE/pcs/ocf-1.1.rng
for file in "/$schema" "$cached"; do
  if [ -e "$file" ]; then printf '%s\n' "$file"; exit 0; fi
done

no_schema() { warn "the OCF schema of the package pcs cannot be had: $1"; exit 77; }
command -v apt-get >/dev/null || no_schema "this is no Debian"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
timeout 120 apt-get -q download pcs >log 2>&1 || no_schema "$(tail -n 1 log)"
dpkg-deb --extract pcs_*.deb contents
[ -e "contents/$schema" ] || no_schema "the package has no $schema"
mkdir -p "$(dirname "$cached")"
cp "contents/$schema" "$cached.$$"
mv -f "$cached.$$" "$cached"   # two may ask at once
printf '%s\n' "$cached"
