#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Writes docs/spec-trace.md: which test names which clause, decision or row of the contracts, in its name, in a section's or
# in a tag ("[W-240]"); and why a clause has none (docs/untested-clauses.txt).
#   scripts/spec-trace.sh            to the standard output
#   scripts/spec-trace.sh --write    to docs/spec-trace.md
#   scripts/spec-trace.sh --check    fails if docs/spec-trace.md is not that, a clause has neither test nor reason, or has both
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
reasons=docs/untested-clauses.txt
contracts=(docs/contract.md docs/ocf-contract.md)

# file, tab, name, tab, tags; a line for each test and section, scenario of a cluster, and check that CMake knows by its name alone
names() {
  # Names may be split over lines as adjacent literals; the tags are the next argument.
  find tests -name '*.cpp' -not -path '*/consume/*' | sort | while read -r file; do
    tr '\n' ' ' <"$file" |
      grep -oE '(TEST_CASE|SECTION|TEST_CASE_METHOD|TEMPLATE_TEST_CASE)\( *(\w+, *)?"([^"\\]|\\.)*"( *"([^"\\]|\\.)*")*(, *"(\[[^]]*\])+")?' |
      sed -E 's/^[A-Z_]+\( *(\w+, *)?"//; s/", *"/	/; s/" *"//g; s/"$//' | sed "s|^|${file##*/}	|" || true
  done
  find tests -name CMakeLists.txt | sort | while read -r file; do
    sed -nE "s|^ *add_test\(NAME \"([^\"]*)\".*|${file#tests/}	\1|p" "$file"
  done
  # A scenario is a function that says what it proves; so do comments in it that begin with a clause.
  find tests/integration/cluster -name '*.sh' 2>/dev/null | sort | while read -r file; do
    awk -v file="${file##*/}" '
      /^(one|three|fence)_[a-z_]*\(\) \{ # / { title = $0; sub(/^[^#]*# /, "", title); print file "\t" title; next }
      /^}/ { title = "" }
      title != "" && /^ *# [LWD]-?[0-9]/ { print file "\t" title "\t" $0 }' "$file"
  done
}

# kind and number to sort by, tab, clause, tab, test; a line each
named() {
  names | awk -F'\t' '
    {
      rest = $2 " " $3; delete seen
      while (match(rest, /(W-[0-9]+|L-[0-9][0-9][0-9A-F]|[DS][0-9]+)/)) {
        before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : " "
        clause = substr(rest, RSTART, RLENGTH)
        after = substr(rest, RSTART + RLENGTH, 1)
        rest = substr(rest, RSTART + RLENGTH)
        if (before ~ /[A-Za-z0-9]/ || after ~ /[A-Za-z0-9]/ || clause in seen) continue
        seen[clause] = 1
        kind = substr(clause, 1, 1); number = clause; sub(/^[A-Z]-?/, "", number)
        while (length(number) < 5) number = "0" number
        name = $2; gsub(/\|/, "\\|", name)
        printf "%s%s\t%s\t%s (%s)\n", index("DSWL", kind), number, clause, name, $1
      }
    }' | LC_ALL=C sort -u
}

per_section() { # per_section CONTRACT: how the clauses of each of its sections stand
  awk -F'\t' -v contract="$1" '
    BEGIN {
      while ((getline line < contract) > 0) {
        if (line ~ /^## /) { s++; title[s] = substr(line, 4) }
        if (match(line, /^\*\*[WL]-[0-9A-F]+\*\*/)) { in_section[substr(line, 3, RLENGTH - 4)] = s; clauses[s]++ }
      }
    }
    FNR == NR { split($0, part, ":"); if (part[1] in in_section) excused[in_section[part[1]]]++; next }
    $2 in in_section {
      s = in_section[$2]
      if (!(($2) in known)) { known[$2] = 1; tested[s]++ }
      if (!((s, $3) in counted)) { counted[s, $3] = 1; tests[s]++ }
    }
    END {
      for (s = 1; s in title; s++) if (clauses[s])
        printf "| %s | %d | %d | %d | %d |\n", title[s], clauses[s], tested[s], excused[s], tests[s]
    }' "$reasons" -
}

trace() {
  local rows
  rows=$(named)
  cat <<'END'
<!-- SPDX-License-Identifier: BSL-1.0 -->
# Clause → test

Made by `scripts/spec-trace.sh --write` from the names and tags of tests and their sections, the titles of the scenarios in real
clusters, and the names of the checks that CMake registers. What the clauses mean is in [contract.md](contract.md) (W, D, S) and
[ocf-contract.md](ocf-contract.md) (L). A clause that only a comment in a test cites is not counted; in a scenario, a comment
that begins with it is.

END
  local contract head='clauses | with a test | with a reason why not | tests and sections that name one |'
  for contract in "${contracts[@]}"; do
    printf '| %s | %s\n|---|---|---|---|---|\n' "$(sed -n 's/^# //p' "$contract")" "$head"
    per_section "$contract" <<<"$rows"
    echo
  done
  printf '| clause | tests that name it |\n|---|---|\n'
  awk -F'\t' '
    $2 != clause { if (clause != "") print "| " clause " | " tests " |"; clause = $2; tests = $3; next }
    { tests = tests "<br>" $3 }
    END { if (clause != "") print "| " clause " | " tests " |" }' <<<"$rows"
  printf '\n## Clauses without a test, and why\n\n| clause | why |\n|---|---|\n'
  sed -nE 's/^([WL]-[0-9A-F]+): *(.*)$/| \1 | \2 |/p' "$reasons"
}

check() {
  local rc=0 clause tested excused
  tested=$(named | cut -f2 | sort -u)
  excused=$(sed -nE 's/^([WL]-[0-9A-F]+):.*/\1/p' "$reasons" | sort)
  for clause in $(uniq -d <<<"$excused"); do echo "$reasons: $clause stands there twice"; rc=1; done
  while read -r clause; do
    case $(grep -cx "$clause" <<<"$tested")$(grep -cx "$clause" <<<"$excused") in
      00) echo "$clause has no test that names it, and $reasons does not say why"; rc=1 ;;
      11) echo "$clause has a test; $reasons says why it has none"; rc=1 ;;
    esac
  done < <(sed -nE 's/^\*\*([WL]-[0-9A-F]+)\*\*.*/\1/p' "${contracts[@]}")
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
