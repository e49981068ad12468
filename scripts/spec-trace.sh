#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Writes docs/spec-trace.md: which test names which clause, decision or row of the contract, in its name, in a section's or
# in a tag ("[W-240]"); and why a clause has none (docs/untested-clauses.txt).
#   scripts/spec-trace.sh            to the standard output
#   scripts/spec-trace.sh --write    to docs/spec-trace.md
#   scripts/spec-trace.sh --check    fails if docs/spec-trace.md is not that, a clause has neither test nor reason, or has both
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
reasons=docs/untested-clauses.txt

# kind and number to sort by, tab, clause, tab, test; a line each
named() {
  # Names may be split over lines as adjacent literals; the tags are the next argument.
  find tests -name '*.cpp' -not -path '*/consume/*' | sort | while read -r file; do
    tr '\n' ' ' <"$file" |
      grep -oE '(TEST_CASE|SECTION|TEST_CASE_METHOD|TEMPLATE_TEST_CASE)\( *(\w+, *)?"([^"\\]|\\.)*"( *"([^"\\]|\\.)*")*(, *"(\[[^]]*\])+")?' |
      sed -E 's/^[A-Z_]+\( *(\w+, *)?"//; s/", *"/	/; s/" *"//g; s/"$//' | sed "s|^|${file##*/}	|" || true
  done | awk -F'\t' '
    {
      rest = $2 " " $3; delete seen
      while (match(rest, /(W-[0-9]+|L-[0-9]+|[DS][0-9]+)/)) {
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
    }' | sort -u
}

# The sections of the contract that the numbers of its clauses stand for.
per_section() {
  awk -F'\t' -v contract=docs/contract.md '
    function section(clause,   n) { n = substr(clause, 3) + 0; return n >= 1000 ? (n >= 1100 ? 12 : 11) : int(n / 100) + 1 }
    BEGIN {
      split("Loading|Entry points|Pending operations|Health|Resource Monitor|Properties|Control codes|Windows services|Calls to avoid|Dependencies, logging, registration|Numbers|Pitfalls", titles, "|")
      while ((getline line < contract) > 0) if (match(line, /^\*\*W-[0-9]+\*\*/)) clauses[section(substr(line, 3, RLENGTH - 4))]++
    }
    FNR == NR { if ($0 ~ /^W-/) { split($0, part, ":"); excused[section(part[1])]++ } next }
    $2 ~ /^W-/ {
      s = section($2)
      if (!(($2) in known)) { known[$2] = 1; tested[s]++ }
      if (!((s, $3) in counted)) { counted[s, $3] = 1; tests[s]++ }
    }
    END {
      for (s = 1; s <= 12; s++) if (s != 11 || clauses[s])
        printf "| %d %s | %d | %d | %d | %d |\n", s, titles[s], clauses[s], tested[s], excused[s], tests[s]
    }' "$reasons" -
}

trace() {
  local rows
  rows=$(named)
  cat <<'END'
<!-- SPDX-License-Identifier: BSL-1.0 -->
# Clause → test

Made by `scripts/spec-trace.sh --write` from the names and tags of the tests and sections; what the clauses mean is in
[contract.md](contract.md). A clause that only a comment in a test cites is not counted. (Section 11, the numbers, has no clauses
of its own: its tables are tested under the clauses that use them.)

| section | clauses | with a test | with a reason why not | tests and sections that name one |
|---|---|---|---|---|
END
  per_section <<<"$rows"
  printf '\n| clause | tests that name it |\n|---|---|\n'
  awk -F'\t' '
    $2 != clause { if (clause != "") print "| " clause " | " tests " |"; clause = $2; tests = $3; next }
    { tests = tests "<br>" $3 }
    END { if (clause != "") print "| " clause " | " tests " |" }' <<<"$rows"
  printf '\n## Clauses without a test, and why\n\n| clause | why |\n|---|---|\n'
  sed -nE 's/^(W-[0-9]+): *(.*)$/| \1 | \2 |/p' "$reasons"
}

check() {
  local rc=0 clause tested excused
  tested=$(named | cut -f2 | sort -u)
  excused=$(sed -nE 's/^(W-[0-9]+):.*/\1/p' "$reasons" | sort)
  for clause in $(uniq -d <<<"$excused"); do echo "$reasons: $clause stands there twice"; rc=1; done
  while read -r clause; do
    case $(grep -cx "$clause" <<<"$tested")$(grep -cx "$clause" <<<"$excused") in
      00) echo "$clause has no test that names it, and $reasons does not say why"; rc=1 ;;
      11) echo "$clause has a test; $reasons says why it has none"; rc=1 ;;
    esac
  done < <(sed -nE 's/^\*\*(W-[0-9]+)\*\*.*/\1/p' docs/contract.md)
  if ! trace | cmp -s - docs/spec-trace.md; then
    echo "docs/spec-trace.md is not what the tests say now: scripts/spec-trace.sh --write"
    rc=1
  fi
  exit "$rc"
}

case ${1:-} in
  '') trace ;;
  --write) trace >docs/spec-trace.md.new && mv docs/spec-trace.md.new docs/spec-trace.md ;;
  --check) check ;;
  *) echo "usage: scripts/spec-trace.sh [--write | --check]" >&2; exit 2 ;;
esac
