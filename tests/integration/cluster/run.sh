#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Runs resources in real Pacemaker clusters, breaks things and looks what becomes of them.
#   run.sh [--scenario NAME|list]... [--group one|three|fence]... [--short] [--seed N] [--faults N] [--times] [--recovery FILE] [--build FOLDER] [--keep]
# Exit status: 0 all passed; 1 one failed; 2 the command line is wrong; 4 skipped: it cannot be done here.
# shellcheck disable=SC2034  # read by what is sourced
set -u -o pipefail
export LC_ALL=C
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
export ROOM_DIRECTORY=${ROOM_DIRECTORY:-/tmp/holdfast-room.$$}
build=$here/../../../build/dev
for file in checks agents one_node three_nodes fencing random database tools times; do
  # shellcheck source=/dev/null
  . "$here/$file.sh"
done

scenarios() { # "NAME what it proves" of all, in the order of the files
  sed -n 's/^\(\(one\|three\|fence\)_[a-z_]*\)() { # \(.*\)/\1 \3/p' "$here"/{one_node,tools,three_nodes,fencing,random}.sh 2>/dev/null
}
logs() { # the ends of the logs that explain a failure
  local node
  for node in $(room nodes); do
    printf '    --- %s\n' "$node"
    grep -aP '\t(notice|warning|error|crit): |exit-reason' "$ROOM_DIRECTORY/$node/log/pacemaker/pacemaker.log" |
      tail -n 12 | cut -c1-220 | sed 's/^/    /'
  done
  printf '    --- crm_mon\n'
  crm timeout 5 crm_mon -1rf | sed -n '/Node List/,$p' | sed 's/^/    /'
}

# What ./dev test runs besides all scenarios of one node.
short=(three_node_killed three_host_killed three_server_killed three_stop_wedged fence_cable_cut)
times=no record='' chosen=() groups=() keep=no seed=$((RANDOM * 32768 + RANDOM)) faults=20
while [ $# -gt 0 ]; do
  case $1 in
    --scenario)
      if [ "${2:-}" = list ]; then scenarios; exit 0; fi
      chosen+=("${2:-}")
      shift
      ;;
    --group) groups+=("${2:-}"); shift ;;
    --short) mapfile -t -O ${#chosen[@]} chosen < <(scenarios | sed -n 's/^\(one_[a-z_]*\) .*/\1/p'; printf '%s\n' "${short[@]}") ;;
    --seed) seed=${2:-}; shift ;;
    --faults) faults=${2:-}; shift ;;
    --times) times=yes ;;
    --recovery) record=${2:-}; shift ;;
    --build) build=${2:-}; shift ;;
    --keep) keep=yes ;;
    *) echo "run.sh: unknown option '$1'" >&2; exit 2 ;;
  esac
  shift
done
[ ${#groups[@]} -gt 0 ] || groups=(one three fence)

build=$(cd -- "$build" && pwd) || exit 2
collect_agents "$ROOM_DIRECTORY.agents"
export ROOM_AGENTS=holdfast=$ROOM_DIRECTORY.agents
passed=0 failed=0 skipped=0
leave() {
  [ $keep = no ] || [ ! -e "$ROOM_DIRECTORY" ] || { echo "kept: ROOM_DIRECTORY=$ROOM_DIRECTORY $here/room.sh help"; return; }
  room down
  rm -rf "$ROOM_DIRECTORY.agents"
}
trap leave EXIT
trap 'exit 143' INT TERM
if [ -n "$record" ]; then
  measure_recovery
  exit
fi
if [ $times = yes ]; then
  measure
  exit
fi
for group in "${groups[@]}"; do
  mapfile -t names < <(scenarios | sed -n "s/^\(${group}_[a-z_]*\) .*/\1/p")
  if [ ${#chosen[@]} -gt 0 ]; then mapfile -t names < <(printf '%s\n' "${names[@]}" | grep -Fx "$(printf '%s\n' "${chosen[@]}")"); fi
  [ ${#names[@]} -gt 0 ] || continue
  case $group in
    one) size=(1) ;;
    three) size=(3) ;;
    fence) size=(3 fence) ;;
  esac
  room up "${size[@]}" || exit
  for name in "${names[@]}"; do
    started=$(now)
    ("$name")
    status=$?
    touch "$ROOM_DIRECTORY/acknowledged.stop" # a client that still counts
    case $status in
      0) word='ok     ' passed=$((passed + 1)) ;;
      4) word=skipped skipped=$((skipped + 1)) ;;
      *) word='FAILED ' failed=$((failed + 1)) ;;
    esac
    printf '%s %-24s %6d ms\n' "$word" "$name" "$(milliseconds_since "$started")"
    if [ "$word" = 'FAILED ' ]; then
      logs
      [ $keep = no ] || exit 1
      # What a failed scenario leaves would fail the next.
      room down && room up "${size[@]}" || exit
    fi
  done
  room down || exit
done
[ $((passed + failed + skipped)) -gt 0 ] || { echo "run.sh: no such scenario" >&2; exit 2; }
echo "$passed scenarios passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
