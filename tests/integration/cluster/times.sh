# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# How long until a killed program runs again, and what a monitor costs; sourced by run.sh.
# shellcheck disable=SC2154,SC2034  # run.sh and `use` set what is read here; others read what is set

median() { sort -n | awk '{ value[NR] = $1 } END { printf "%d", NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'; }
percentile95() { sort -n | awk '{ value[NR] = $1 } END { print value[int((NR * 95 + 99) / 100)] }'; }

# recovery LABEL INTERVAL INSTANT-FAILURE [fail]: kills the program again and again; with `fail` the cluster is told by
# crm_resource --fail at the same moment
recovery() {
  local label=$1 instant=$3 how=${4:-} node other pid kill_time starts=$ROOM_DIRECTORY/starts i wait
  use program
  interval=$2
  on switch rm -f "$starts"
  : >"$starts"
  # The program itself writes down when it starts.
  printf 'date +%%s%%N >>%s\nexec /bin/sleep 86399\n' "$starts" >"$ROOM_DIRECTORY/program"
  parameters=("CommandLine=/bin/sh $ROOM_DIRECTORY/program" StartTime=0ms "InstantFailure=$instant")
  create program
  # Not on the node that coordinates: its messages have a way to go.
  node=$(where program)
  other=$(crm crm_mon -1 --output-as=xml | sed -n 's/.*<current_dc .*name="\([^"]*\)".*/\1/p')
  if [ "$node" = "$other" ] && [ "$(room nodes | wc -l)" -gt 1 ]; then
    crm crm_resource -r program --ban -N "$node" >/dev/null 2>&1
    within 30 "it is not on the coordinator" elsewhere program "$node"
    idle
    node=$(where program)
  fi
  local results=()
  for ((i = 0; i < rounds; i++)); do
    printf -v wait '1.%03d' $((RANDOM % 1000))
    sleep "$wait" # at any moment between two polls
    pid=$(copy_pid) || fail "the program does not run"
    : >"$starts"
    kill_time=$(now)
    kill -KILL "$pid"
    [ -z "$how" ] || on "$node" crm_resource --fail -r program -N "$node" >/dev/null 2>&1
    within 30 "the program runs again" test -s "$starts"
    results+=($((($(head -n 1 "$starts") - kill_time) / 100000)))
    within 10 "one copy" one_copy
    idle
  done
  printf '%-46s %3d %9s %9s %9s\n' "$label" "$rounds" "$(tenths "$(printf '%s\n' "${results[@]}" | median)")" \
    "$(tenths "$(printf '%s\n' "${results[@]}" | percentile95)")" "$(tenths "$(printf '%s\n' "${results[@]}" | sort -n | head -n 1)")"
  if [ -n "$record" ]; then # for ./dev bench, as its programs write it
    printf '{"rows": [{"what": "recovery", "subject": "%s", "unit": "ms", "samples": [%s]}]}\n' "pacemaker, waiting monitor" \
      "$(for i in "${results[@]}"; do tenths "$i"; echo; done | paste -sd ,)" >"$record"
  fi
  remove program
}
tenths() { printf '%d.%d' $(($1 / 10)) $(($1 % 10)); }
recoveries() {
  printf '\nkill -9 -> the program runs again, %s node(s), ms %14s %9s %9s %9s\n' "$1" n median p95 least
  recovery "long-poll monitor (InstantFailure=monitor)" 1s monitor || return
  recovery "notified (InstantFailure=notify), 10 s monitor" 10s notify || return
  recovery "1 s poll (InstantFailure=off)" 1s off || return
  recovery "crm_resource --fail by hand, 10 s monitor" 10s off fail
}

processor_time() { cat "/proc/$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%d", sum }'; } # nanoseconds, of a process
costs() { # a monitor of each kind, one after the other, again and again, inside a node
  local node tool=$build/tests/integration/cluster/monitor_cost lines deep ours
  [ -x "$tool" ] || missing "monitor_cost is not built"
  printf '\ncost of a monitor, %s of each, interleaved\n' "$monitors"
  use program
  parameters+=(InstantFailure=off)
  create program
  use database
  make_database
  parameters+=(InstantFailure=off)
  create database
  node=$(where database)
  [ "$(where program)" = "$node" ] || fail "a room of one node is needed"
  on "$node" env OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=dummy OCF_RESKEY_state=/run/dummy.state \
    /usr/lib/ocf/resource.d/pacemaker/Dummy start || fail "Dummy does not start"
  ours="OCF_ROOT=/usr/lib/ocf OCF_RESKEY_CRM_meta_interval=1000 OCF_RESKEY_CRM_meta_timeout=60000 OCF_RESKEY_InstantFailure=off"
  deep="$ours OCF_RESOURCE_INSTANCE=database OCF_RESKEY_DataDirectory=$data OCF_CHECK_LEVEL=10"
  lines=(
    "/bin/true=/bin/true"
    "ocf:holdfast:application=$ours OCF_RESOURCE_INSTANCE=program OCF_RESKEY_StartTime=0ms $agents_of/application monitor"
    "ocf:pacemaker:Dummy=OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=dummy OCF_RESKEY_state=/run/dummy.state ${agents_of%/*}/pacemaker/Dummy monitor"
    "ocf:holdfast:postgresql=$ours OCF_RESOURCE_INSTANCE=database OCF_RESKEY_DataDirectory=$data $agents_of/postgresql monitor"
    "ocf:holdfast:postgresql, depth 10=$deep $agents_of/postgresql monitor"
  )
  use heartbeat-database
  local pair heartbeat
  heartbeat="OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=database OCF_RESKEY_CRM_meta_interval=1000 OCF_RESKEY_CRM_meta_timeout=60000"
  for pair in "${parameters[@]}"; do heartbeat+=" OCF_RESKEY_$pair"; done
  lines+=("ocf:heartbeat:pgsql=$heartbeat ${agents_of%/*}/heartbeat/pgsql monitor")
  use database
  local host used started
  host=$(host_pid)
  used=$(processor_time "$host") started=$(now)
  on "$node" "$tool" "$monitors" "${lines[@]}" || fail "a monitor failed"
  printf '%-40s %12s us of processor time per second, its own checks among it\n' "the database's resident host" \
    $((($(processor_time "$host") - used) / 1000 * 1000 / $(milliseconds_since "$started")))
  on "$node" rm -f /run/dummy.state
  copy='nothing'
  crm crm_resource -r program --meta -p target-role -v Stopped >/dev/null
  crm crm_resource -r database --meta -p target-role -v Stopped >/dev/null
}

measure_recovery() { # the waiting monitor alone, on one node, into the file `record`
  rounds=${rounds:-15} agents_of=/usr/lib/ocf/resource.d/holdfast
  RANDOM=$seed
  local status=0
  room up 1 || return
  (recovery "long-poll monitor (InstantFailure=monitor)" 1s monitor) || { status=1; logs; }
  room down || return 1
  return $status
}

measure() { # all of it; run.sh brings no room up before
  rounds=${rounds:-12} monitors=${monitors:-300} agents_of=/usr/lib/ocf/resource.d/holdfast
  RANDOM=$seed
  local size status=0
  for size in 1 3; do
    room up $size || return
    (recoveries $size) || { status=1; logs; }
    [ $size = 3 ] || (costs) || { status=1; logs; }
    room down || return 1
  done
  return $status
}
