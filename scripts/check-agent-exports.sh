#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Checks an agent library for Linux without loading it: it exports Startup and StartupEx alone, and has no
# unique symbol, which would keep it mapped for ever (D19).
#   scripts/check-agent-exports.sh FILE.so
set -euo pipefail
library=${1:?usage: check-agent-exports.sh FILE.so}
symbols=$(nm -D --defined-only "$library")
rc=0
for symbol in Startup StartupEx; do
  grep -q " T $symbol\$" <<<"$symbols" || { echo "$library does not export $symbol"; rc=1; }
done
others=$(grep -vE ' T (Startup|StartupEx)$' <<<"$symbols" || true)
[ -z "$others" ] || { printf '%s exports also:\n%s\n' "$library" "$others"; rc=1; }
exit "$rc"
