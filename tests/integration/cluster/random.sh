# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# Random failures of a database in a cluster with fencing; sourced by run.sh, which sets seed and faults.
# A fault that ends in fencing says of which node in `fenced`.
# shellcheck disable=SC2154  # run.sh and `use` set what is read here

fault_server_killed() { kill -KILL "$(copy_pid)"; }
fault_host_killed() { if [ "$resident" = yes ]; then kill -KILL "$(host_pid)"; else fault_server_killed; fi; }
fault_host_and_server_killed() {
  if [ "$resident" = yes ]; then kill -KILL "$(host_pid)" "$(copy_pid)"; else fault_server_killed; fi
}
fault_backend_killed() { # one process of the server: it restarts all of them by itself
  local pid
  pid=$(copy_pid)
  kill -KILL "$(cut -d' ' -f1 "/proc/$pid/task/$pid/children")"
}
fault_server_paused() {
  local pid
  pid=$(copy_pid)
  # shellcheck disable=SC2046  # a list of numbers
  kill -STOP "$pid" $(cat "/proc/$pid/task/$pid/children")
}
fault_node_killed() { fenced=$(where database) && room kill-node "$fenced"; }
fault_cable_cut() { fenced=$(where database) && room cut-node "$fenced"; }
fault_other_node_killed() { fenced=$(room live | grep -vx "$(where database)" | head -n 1) && room kill-node "$fenced"; }
fault_pacemaker_killed() { # fenced or not: it may be back before the others have decided
  on "$(where database)" killall -KILL pacemakerd pacemaker-controld pacemaker-execd
  sleep 5
}
fault_moved() {
  local node
  node=$(where database)
  crm crm_resource -r database --ban -N "$node" >/dev/null 2>&1
  within 60 "the database is on another node" elsewhere database "$node"
  crm crm_resource -r database --clear >/dev/null 2>&1
}
fault_disk_full() {
  on switch dd if=/dev/zero of="$ROOM_DIRECTORY/shared/filler" bs=1M status=none 2>/dev/null
  sleep 2
  on switch rm "$ROOM_DIRECTORY/shared/filler"
}
known_faults=(server_killed host_killed host_and_server_killed backend_killed server_paused node_killed cable_cut
  other_node_killed pacemaker_killed moved disk_full)

fence_random() { # Random failures, one after another: after each one copy runs, after all not one number is lost.
  local fault fenced started i
  database
  note "$faults random failures, seed $seed"
  RANDOM=$seed
  for ((i = 1; i <= faults; i++)); do
    fault=${known_faults[RANDOM % ${#known_faults[@]}]}
    forget_fencing
    fenced=
    started=$(now)
    "fault_$fault"
    [ -z "$fenced" ] || within 60 "$fenced is fenced" was_fenced "$fenced"
    counts_again 120
    note "$(printf '%2d %-24s counting again after %6d ms' "$i" "$fault" "$(milliseconds_since "$started")")"
    all_back
    idle
    cleanup database
    idle
    expect_one_copy database
    counts_again 30 # also once the cluster has done all it had to do
    [ ! -e "$count_file.lost" ] || fail "data is lost: $(cat "$count_file.lost")"
  done
  settled
}
