#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Opens pages of `holdfast timeline` in a real browser without a window and looks at what they drew.
#   tests/integration/timeline/check-page.sh HOLDFAST [SCREENSHOT_FOLDER]
# Exit status: 0 all is well; 1 something is not; 77 there is no chromium.
set -euo pipefail
program=$(realpath "${1:?usage: check-page.sh HOLDFAST [SCREENSHOT_FOLDER]}")
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
browser=$(command -v chromium || command -v google-chrome || true)
[ -n "$browser" ] || { echo "skipped: chromium is not installed (Debian package chromium)"; exit 77; }

room=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-timeline.XXXXXX")
trap 'rm -rf "$room"' EXIT
rc=0
complain() { printf 'FAILED: %s\n' "$*"; rc=1; }

browse() { # browse PAGE OPTION...: the browser on a page; no network, a profile of its own, no longer than 60 s
  local page=$1 sandbox=()
  shift
  [ "$(id -u)" -ne 0 ] || sandbox=(--no-sandbox)
  HOME=$room timeout -k 5 60 "$browser" --headless=new "${sandbox[@]}" --disable-gpu --hide-scrollbars --no-first-run \
    --user-data-dir="$room/profile" --disable-background-networking --disable-component-update --disable-dev-shm-usage \
    --host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr --virtual-time-budget=4000 "$@" "file://$page"
}

value() { # value NAME: what the page wrote into its attribute data-NAME
  sed -n "s/.*<body[^>]* data-$1=\"\([^\"]*\)\".*/\1/p" "$room/dom" | head -n 1
}

look() { # look NAME WIDTH,HEIGHT: the page $room/NAME.html loads, draws all and complains about nothing
  local name=$1 size=$2
  browse "$room/$name.html" --window-size="$size" --dump-dom --log-net-log="$room/$name.net" >"$room/dom" 2>"$room/log" ||
    complain "$name: the browser failed: $(tail -n 3 "$room/log")"
  [ "$(value ready)" = true ] || complain "$name: it drew nothing: $(grep CONSOLE "$room/log" | head -n 3)"
  [ -z "$(value error)" ] || complain "$name: $(value error)"
  ! grep CONSOLE "$room/log" || complain "$name: the console is not empty"
  [ "$(value requests)" = 0 ] || complain "$name: it loaded $(value requests) other files"
  # What the browser fetches for itself (dictionaries, updates) has no page as its initiator.
  ! grep -E '"url":"(https?|wss?|ftp)://' "$room/$name.net" | grep -v '"initiator":"not an origin"' | grep '"initiator"' ||
    complain "$name: it asked the network"
  printf '%s at %s: %s spans and %s marks in %s lanes, drawn %s and %s in %s ms\n' "$name" "$size" "$(value spans)" \
    "$(value marks)" "$(value lanes)" "$(value drawn-spans)" "$(value drawn-marks)" "$(value draw-milliseconds)"
}

all() { # all NAME: what the program counted is what the page drew
  local name=$1 expected
  expected=$("$program" timeline "$here/$name.jsonl" -o - --format json | grep -cE '"ph":"X".*"cat":"(state|pending)' || true)
  # Calls are in two processes there: their resource's and their thread's.
  expected=$((expected + $(grep -c '"record":"call"' "$here/$name.jsonl") + ${2:-0}))
  [ "$(value spans)" = "$expected" ] || complain "$name: $(value spans) spans, not $expected"
  [ "$(value drawn-spans)" = "$(value spans)" ] || complain "$name: drew $(value drawn-spans) of $(value spans) spans"
  [ "$(value drawn-marks)" = "$(value marks)" ] || complain "$name: drew $(value drawn-marks) of $(value marks) marks"
}

unreturned() { grep -c '"to":"Dead".*did not return' "$here/$1.jsonl" || true; }

for name in demo failures; do
  "$program" timeline "$here/$name.jsonl" -o "$room/$name.html" >/dev/null || { complain "$name: no page"; continue; }
  look "$name" 1280,1800
  all "$name" "$(unreturned "$name")"
  if [ $# -gt 1 ]; then
    browse "$room/$name.html" --window-size=1280,900 --screenshot="$2/$name.png" >/dev/null 2>&1
  fi
done

# 50,000 calls of 20 resources in 50 minutes.
awk 'BEGIN {
  for (i = 0; i < 50000; i++) {
    at = i * 60000000; s = int(at / 1e9)
    printf "{\"time\":\"2026-01-02T%02d:%02d:%02d.%03dZ\",\"resource\":\"r%d\",\"record\":\"call\",\"entryPoint\":\"IsAlive\",\"thread\":%d,\"start\":%.0f,\"span\":%d,\"budget\":50000000,\"result\":%d}\n",
      3 + int(s / 3600), int(s / 60) % 60, s % 60, int(at / 1e6) % 1000, i % 20, i % 4, 1e12 + at,
      i % 1000 == 0 ? 70000000 : 20000, i % 5000 != 0
  }
}' >"$room/many.jsonl"
"$program" timeline "$room/many.jsonl" -o "$room/many.html" || complain "many: no page"
look many 1280,2400
[ "$(value spans)" = 50000 ] || complain "many: $(value spans) spans, not 50000"
[ "$(value drawn-spans)" = 50000 ] || complain "many: drew $(value drawn-spans)"
if [ $# -gt 1 ]; then browse "$room/many.html" --window-size=1280,900 --screenshot="$2/many.png" >/dev/null 2>&1; fi
exit "$rc"
