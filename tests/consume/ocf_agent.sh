#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Installs the agent for Pacemaker that project/ made in BUILD, and runs it as Pacemaker would, from where it lies then.
#   tests/consume/ocf_agent.sh BUILD PREFIX CHECK-METADATA
set -euo pipefail
build=$1 prefix=$2 check=$3
bad=0
wrong() { echo "$1" >&2; bad=1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

rm -rf "$prefix"
cmake --install "$build" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
agent=$prefix/lib/ocf/resource.d/stranger/lamp
for file in "$agent" "$prefix/lib/holdfast/ocf/lamp-host" "$prefix/libexec/holdfast/lamp/holdfast-reaper"; do
  [ -f "$file" ] || { wrong "$file is not there"; continue; }
  [ "$(stat -c %a "$file")" = 755 ] || wrong "L-003: $file has the mode $(stat -c %a "$file")"
done
[ "$bad" -eq 0 ] || exit 1
# What it runs is what was installed, not what was built. The agent of the build shows that such a path is found.
grep -qF "$build/ocf/lamp-host" "$build/ocf/resource.d/stranger/lamp" || wrong "no path is found in the agent of the build"
for program in "$agent" "$prefix/lib/holdfast/ocf/lamp-host"; do
  grep -qF "$prefix/libexec/holdfast/lamp/holdfast-reaper" "$program" || wrong "$program knows another reaper"
  ! grep -qF "$build/ocf/lamp-host" "$program" || wrong "$program knows the host program of the build"
done
grep -qF "$prefix/lib/holdfast/ocf/lamp-host" "$agent" || wrong "$agent knows another host program"

rc=0
"$check" "$agent" || rc=$?
[ "$rc" -eq 0 ] || [ "$rc" -eq 77 ] || wrong "its metadata is not valid"

action() { # action NAME WATTS: prints the exit code
  local rc=0
  env OCF_ROOT=/usr/lib/ocf OCF_RA_VERSION_MAJOR=1 OCF_RA_VERSION_MINOR=1 HA_RSCTMP="$scratch" \
    OCF_RESOURCE_INSTANCE=consumed OCF_RESKEY_Watts="$2" OCF_RESKEY_CRM_meta_timeout=20000 \
    timeout 30 "$agent" "$1" </dev/null >"$scratch/output" 2>&1 || rc=$?
  echo "$rc"
}
expect() { # expect CODE NAME WATTS
  local rc
  rc=$(action "$2" "$3")
  [ "$rc" = "$1" ] || wrong "$2 with Watts=$3 ended with $rc, not $1: $(tail -n 3 "$scratch/output")"
}
expect 6 validate-all 200   # beyond the range of lamp.cpp
expect 0 validate-all 60
if [ "$(id -u)" -eq 0 ]; then
  expect 7 monitor 60
  expect 0 start 60
  expect 0 monitor 60
  expect 0 stop 60
  expect 7 monitor 60
fi
exit "$bad"
