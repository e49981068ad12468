#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Installs a MinGW build into a folder of its own and runs agents from there, under Wine: what is needed is installed, and found.
#   scripts/check-windows-install.sh BUILD_DIR
# Exit status: 0 all well; 1 something is missing or does not run; 2 wrong usage.
set -euo pipefail
build=$(realpath "${1:?usage: check-windows-install.sh BUILD_DIR}")
wine_run=$(realpath "$(dirname "$0")/wine-run")
room=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-install.XXXXXX")
monitor=
finish() {
  local rc=$?
  trap - EXIT
  [ -z "$monitor" ] || kill -KILL "$monitor" 2>/dev/null || true
  rm -rf "$room"
  exit "$rc"
}
trap finish EXIT
fail() { echo "FAILED: $*"; [ ! -e "$room/log" ] || tail -n 20 "$room/log"; exit 1; }

cmake --install "$build" --prefix "$room/there" >"$room/log" 2>&1 || fail 'cmake --install'
rm "$room/log"
for file in bin/holdfast.exe libexec/holdfast/holdfast-host.exe libexec/holdfast/clusapi.dll libexec/holdfast/resutils.dll \
    share/holdfast/debug/vscode/launch.json share/holdfast/debug/visual-studio/launch.vs.json; do
  [ -s "$room/there/$file" ] || fail "$file is not installed"
done
# Where others would take them for the system's they must not be.
[ "$(find "$room/there" -iname clusapi.dll -o -iname resutils.dll | wc -l)" -eq 2 ] || fail 'a substitute library is installed twice'

mkdir "$room/agents"
chmod 700 "$room"
cp "$build/examples/000-hello/hello.dll" "$build/bin/classic_dll.dll" "$room/agents/"
cat >"$room/both.toml" <<END
[monitor]
state = "state"
runDirectory = "rt"

[[resource]]
name = "hello"
type = "Hello"
agent = "agents/hello.dll"
[resource.properties]
File = 'Z:$room/hello.txt'

[[resource]]
name = "counter"
type = "Classic Counter"
agent = "agents/classic_dll.dll"
END
holdfast() { "$wine_run" "$room/there/bin/holdfast.exe" "$@" </dev/null; }
for mode in hosts debug; do
  : >"$room/log"
  options=()
  [ "$mode" = hosts ] || options=(--debug)
  "$wine_run" "$room/there/bin/holdfast.exe" run "${options[@]}" --control "Z:$room/control" "Z:$room/both.toml" \
    >"$room/log" 2>&1 </dev/null &
  monitor=$!
  for name in hello counter; do
    for ((tries = 200; ; --tries)); do
      ! grep -Eq " $name +state .*-> Online\b" "$room/log" || break
      [ "$tries" -gt 0 ] || fail "$name did not come online ($mode)"
      sleep 0.1
    done
  done
  holdfast ctl --control "Z:$room/control" stop --wait=30 >/dev/null || fail "it did not end ($mode)"
  rc=0
  wait "$monitor" || rc=$?
  monitor=
  [ "$rc" -eq 0 ] || fail "holdfast run ended with $rc ($mode)"
  echo "from the installed tree, $mode: hello and a resource DLL written by hand came online, and offline"
done
