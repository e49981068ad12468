#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Checks an agent library for Windows without running it: it exports Startup and StartupEx alone and
# imports only what every Windows Server has; its debug information lies beside it, so that it is small; it has a version.
#   scripts/check-windows-dll.sh FILE.dll [MOST_BYTES]     (2 MiB unless told otherwise)
set -euo pipefail
dll=${1:?usage: check-windows-dll.sh FILE.dll [MOST_BYTES]}
most=${2:-$((2 * 1024 * 1024))}
objdump=$(command -v x86_64-w64-mingw32-objdump || command -v objdump)
headers=$("$objdump" -p "$dll")
rc=0

# "[Ordinal/Name Pointer] Table" holds the exported names, one "[   0] Startup" per line.
exports=$(awk '/\[Ordinal\/Name Pointer\] Table/ {on = 1; next} on && /^[[:space:]]*\[/ {print $NF; next} on && !/^[[:space:]]*\[/ && NF == 0 {exit}' <<<"$headers")
for name in Startup StartupEx; do
  [ "$(grep -cx "$name" <<<"$exports" || true)" = 1 ] || { echo "does not export $name"; rc=1; }
done
others=$(grep -vxE 'Startup|StartupEx' <<<"$exports" || true)
[ -z "$others" ] || { echo "exports also: $(tr '\n' ' ' <<<"$others")"; rc=1; }

imports=$(sed -n 's/^[[:space:]]*DLL Name: //p' <<<"$headers" | sort -u)
foreign=$(grep -viE '^(kernel32|advapi32|msvcrt|ws2_32|mswsock|bcrypt|user32|shell32|ole32|ntdll|secur32|api-ms-win-[a-z0-9-]+)\.dll$' <<<"$imports" || true)
[ -z "$foreign" ] || { echo "imports what Windows does not bring: $(tr '\n' ' ' <<<"$foreign")"; rc=1; }
size=$(stat -c %s "$dll")
[ "$size" -le "$most" ] || { echo "has $size bytes, more than $most"; rc=1; }
sections=$("$objdump" -h "$dll" | awk '$1 ~ /^[0-9]+$/ {print $2}')
grep -qE '^\.debug_' <<<"$sections" && { echo "holds its debug information itself"; rc=1; }
grep -qx '\.gnu_debuglink' <<<"$sections" || { echo "does not name the file with its debug information"; rc=1; }
[ -s "$dll.debug" ] || { echo "there is no $dll.debug"; rc=1; }
version=$("$(dirname -- "${BASH_SOURCE[0]}")/check-windows-version.sh" "$dll") || rc=1
echo "$version"

echo "$size bytes; exports: $(tr '\n' ' ' <<<"$exports"); imports: $(tr '\n' ' ' <<<"$imports")"
exit "$rc"
