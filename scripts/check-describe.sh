#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# The program `holdfast describe` from outside: exit codes, where it writes, and the form of the file it writes.
#   scripts/check-describe.sh HOLDFAST AGENT NO-AGENT
set -euo pipefail
holdfast=${1:?usage: check-describe.sh HOLDFAST AGENT NO-AGENT} agent=${2:?} no_agent=${3:?}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0

exits() { # exits CODE WORDS ARGUMENT...: the exit code, and words that are said on standard error
  local expected=$1 words=$2 rc=0
  shift 2
  "$holdfast" describe "$@" >"$scratch/out" 2>"$scratch/err" || rc=$?
  [ "$rc" -eq "$expected" ] || { echo "describe $* ended with $rc, not $expected: $(cat "$scratch/err")"; bad=1; }
  [ -z "$words" ] || grep -qF -- "$words" "$scratch/err" || { echo "describe $* does not say \"$words\""; bad=1; }
}

exits 0 '' "$agent"
grep -q '^SQLite Database$' "$scratch/out" || { echo "the table does not name the type"; bad=1; }
exits 0 '' "$agent" --format json
[ "$(wc -l <"$scratch/out")" -eq 1 ] || { echo "the JSON is not one line"; bad=1; }
exits 2 'xml not in' "$agent" --format xml
exits 2 'AGENT' --format json
exits 3 'the file does not exist' "$scratch/nowhere.so"
exits 3 'exports neither StartupEx nor Startup' "$no_agent"
exits 3 'it has no resource type "Other"' "$agent" --type Other
exits 5 'cannot write' "$agent" --output "$scratch/no/such/folder"

exits 0 '' "$agent" --format ocf --name database --agent-version 1.2
grep -q '^<resource-agent name="database" version="1.2">$' "$scratch/out" || { echo "the metadata does not name the agent"; bad=1; }

exits 0 '' "$agent" --format powershell
cp "$scratch/out" "$scratch/plain.ps1"
exits 0 '' "$agent" --format powershell --output "$scratch/file.ps1"
[ ! -s "$scratch/out" ] || { echo "--output also writes to standard output"; bad=1; }
# Windows PowerShell 5.1: a byte order mark, or it reads the system's old code page; and the line ends of Windows.
[ "$(head -c 3 "$scratch/file.ps1" | od -An -tx1 | tr -d ' ')" = efbbbf ] || { echo "the script has no byte order mark"; bad=1; }
[ "$(grep -c $'\r$' "$scratch/file.ps1")" = "$(wc -l <"$scratch/file.ps1")" ] || { echo "not every line ends in CRLF"; bad=1; }
tail -c +4 "$scratch/file.ps1" | tr -d '\r' | cmp -s - "$scratch/plain.ps1" || { echo "the file's text is another one"; bad=1; }
if command -v pwsh >/dev/null; then
  # shellcheck disable=SC2016  # PowerShell expands it
  pwsh -NoProfile -Command '$e = $null; [void][Management.Automation.Language.Parser]::ParseFile($args[0], [ref]$null, [ref]$e); $e; exit [int][bool]$e' \
    "$scratch/file.ps1" || { echo "PowerShell does not parse it"; bad=1; }
fi
exit "$bad"
