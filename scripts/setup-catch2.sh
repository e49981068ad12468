#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Builds Catch2 v3 (Debian 12 itself has only v2) from the bookworm-backports source package.
#   scripts/setup-catch2.sh PREFIX [CMAKE ARGUMENT...]
# A second run with the same PREFIX does nothing.
set -euo pipefail
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
. "$here/common.sh"

prefix=${1:?usage: setup-catch2.sh PREFIX [CMAKE ARGUMENT...]}
shift
[ -e "$prefix/.complete" ] && exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sources=$HOLDFAST_CACHE/sources
mkdir -p "$sources"
compgen -G "$sources/catch2_3*.orig.tar.gz" >/dev/null || debian_source bookworm-backports catch2 "$sources"
tar -xzf "$(compgen -G "$sources/catch2_3*.orig.tar.gz" | tail -n 1)" -C "$work" --strip-components=1
# The default library type is PIC-neutral; PIC lets a test put Catch2 into a shared library if it must.
cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_STANDARD=20 \
  -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
  -DBUILD_TESTING=OFF -DCATCH_INSTALL_DOCS=OFF "$@"
cmake --build "$work/build" --target install
touch "$prefix/.complete"
