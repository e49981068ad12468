#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Writes docs/spec-trace.md: which test names which clause, decision or row of the contract.
#   scripts/spec-trace.sh            to the standard output
#   scripts/spec-trace.sh --write    to docs/spec-trace.md
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

trace() {
  cat <<'END'
<!-- SPDX-License-Identifier: BSL-1.0 -->
# Clause → test

Made by `scripts/spec-trace.sh --write` from the names of the tests and sections; what they mean is in [contract.md](contract.md).
A clause that only a comment in a test cites is not counted.

| clause | tests that name it |
|---|---|
END
  # One line per name: file, tab, name. Names may be split over lines as adjacent literals.
  find tests -name '*.cpp' -not -path '*/consume/*' | sort | while read -r file; do
    tr '\n' ' ' <"$file" | grep -oE '(TEST_CASE|SECTION|TEST_CASE_METHOD|TEMPLATE_TEST_CASE)\((\w+, *)?"([^"\\]|\\.)*"( *"([^"\\]|\\.)*")*' |
      sed -E 's/^[A-Z_]+\((\w+, *)?"//; s/" *"//g; s/"$//' | sed "s|^|${file##*/}	|" || true
  done | awk -F'\t' '
    {
      rest = $2; delete seen
      while (match(rest, /(W-[0-9]+|[DS][0-9]+)/)) {
        before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : " "
        clause = substr(rest, RSTART, RLENGTH)
        after = substr(rest, RSTART + RLENGTH, 1)
        rest = substr(rest, RSTART + RLENGTH)
        if (before ~ /[A-Za-z0-9]/ || after ~ /[A-Za-z0-9]/ || clause in seen) continue
        seen[clause] = 1
        kind = substr(clause, 1, 1); number = clause; sub(/^[A-Z]-?/, "", number)
        name = $2; gsub(/\|/, "\\|", name)
        printf "%s%05d\t%s\t%s (%s)\n", kind == "D" ? 1 : kind == "S" ? 2 : 3, number, clause, name, $1
      }
    }' | sort -u | awk -F'\t' '
    $2 != clause { if (clause != "") print "| " clause " | " tests " |"; clause = $2; tests = $3; next }
    { tests = tests "<br>" $3 }
    END { if (clause != "") print "| " clause " | " tests " |" }'
}

case ${1:-} in
  '') trace ;;
  --write) trace >docs/spec-trace.md ;;
  *) echo "usage: scripts/spec-trace.sh [--write]" >&2; exit 2 ;;
esac
