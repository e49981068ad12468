#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Keeps the documents true; run by the tests.
#   scripts/check-docs.sh quotes    each code block after "<!-- from FILE -->" is, line by line, a part of FILE
#   scripts/check-docs.sh clauses   each clause and decision that code and tests cite is in docs/contract.md or docs/ocf-contract.md
#   scripts/check-docs.sh links     each relative link leads to a file
#   scripts/check-docs.sh lines     each line that holdfast logs by itself is explained in docs/windows.md
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
documents=(README.md CONTRIBUTING.md CHANGELOG.md docs/*.md)
rc=0
complain() { printf '%s\n' "$*"; rc=1; }

quotes() {
  local document found=0
  for document in "${documents[@]}"; do
    # The shell cannot hold a file line by line as awk can; awk says what is wrong, and how many blocks it saw.
    awk -v document="$document" '
      function whole(file,   text, line) {
        text = "\n"
        while ((getline line < file) > 0) text = text line "\n"
        close(file)
        return text
      }
      /^<!-- from .* -->$/ { file = $0; sub(/^<!-- from /, "", file); sub(/ -->$/, "", file); waiting = 1; next }
      waiting && /^```/ { waiting = 0; inside = 1; block = "\n"; start = NR; next }
      inside && /^```/ {
        inside = 0; blocks++
        if (index(whole(file), block) == 0) { print document ":" start ": this block is not in " file; bad = 1 }
        next
      }
      inside { block = block $0 "\n" }
      END { if (waiting || inside) { print document ": a quotation has no end"; bad = 1 } print "blocks " blocks + 0; exit bad }
    ' "$document" >"$scratch" || rc=1
    found=$((found + $(sed -n 's/^blocks //p' "$scratch")))
    grep -v '^blocks ' "$scratch" || true
  done
  [ "$found" -gt 0 ] || complain "no quotation was found at all"
  echo "$found quotations"
}

clauses() {
  local cited
  while read -r cited; do
    grep -q "^\*\*$cited\*\*" docs/contract.md || complain "$cited is cited, but docs/contract.md does not have it"
  done < <(grep -rohE '\bW-[0-9]{3,4}\b' include src tests examples docs/*.md README.md | sort -u)
  while read -r cited; do
    grep -q "^\*\*$cited\*\*" docs/ocf-contract.md || complain "$cited is cited, but docs/ocf-contract.md does not have it"
  done < <(grep -rohE '\bL-[0-9]{2}[0-9A-F]\b' cmake include scripts src tests examples docs/*.md README.md | sort -u)
  while read -r cited; do
    grep -q "^- \*\*$cited\*\*" docs/contract.md || complain "$cited is cited, but docs/contract.md does not have it"
  done < <(grep -rohE '\bD[0-9]{1,2}\b' include src tests examples --include='*.hpp' --include='*.cpp' | sort -u)
  echo "$(cat docs/contract.md docs/ocf-contract.md | grep -cE '^\*\*[WL]-') clauses"
}

links() {
  local document target
  for document in "${documents[@]}"; do
    while read -r target; do
      [ -e "$(dirname "$document")/${target%%#*}" ] || complain "$document: there is no $target"
    done < <(grep -oE '\]\([^)#: ][^): ]*\)' "$document" | sed 's/^](//; s/)$//' || true)
  done
}

lines() {
  local text part found=0
  # The fixed parts of the texts: what stands between placeholders, long enough to mean something.
  while read -r text; do
    found=$((found + 1))
    while read -r part; do
      [ "${#part}" -lt 8 ] || grep -qF -- "$part" docs/windows.md || complain "docs/windows.md does not explain \"$text\""
    done < <(sed 's/{}/\n/g; s/; last step/\n/g; s/: none/\n/g; s/ *(last step:.*$//; s/^[ :]*//' <<<"$text" | sed 's/^[ :]*//; s/[ :]*$//')
  done < <(sed -n '/^ReasonText/,$p' src/exec/reason_text.cpp | grep -oE '"[^"]{12,}"' | tr -d '"')
  [ "$found" -gt 15 ] || complain "only $found texts were found in src/exec/reason_text.cpp"
  echo "$found texts"
}

scratch=$(mktemp)
trap 'rm -f "$scratch"' EXIT
case ${1:-} in
  quotes) quotes ;;
  clauses) clauses ;;
  links) links ;;
  lines) lines ;;
  *) echo "usage: scripts/check-docs.sh quotes|clauses|links|lines" >&2; exit 2 ;;
esac
exit "$rc"
