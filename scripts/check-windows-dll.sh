#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Checks an agent library for Windows without running it: it exports Startup and StartupEx alone and
# imports only what every Windows Server has.
#   scripts/check-windows-dll.sh FILE.dll
set -euo pipefail
dll=${1:?usage: check-windows-dll.sh FILE.dll}
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
foreign=$(grep -viE '^(kernel32|advapi32|msvcrt|ws2_32|mswsock|bcrypt|user32|shell32|ole32|ntdll|api-ms-win-[a-z0-9-]+)\.dll$' <<<"$imports" || true)
[ -z "$foreign" ] || { echo "imports what Windows does not bring: $(tr '\n' ' ' <<<"$foreign")"; rc=1; }
echo "exports: $(tr '\n' ' ' <<<"$exports"); imports: $(tr '\n' ' ' <<<"$imports")"
exit "$rc"
