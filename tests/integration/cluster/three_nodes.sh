# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# Three nodes, a database on shared storage, no fencing; sourced by run.sh.
# shellcheck disable=SC2154  # `use` sets what is read here

database() { # a database runs and a client counts in it
  use database
  make_database
  create database
  count_on
}
settled() { # after the fault: one copy, no number lost, and nothing left once it is stopped
  idle
  expect_one_copy database
  count_off
  remove database
}

three_node_killed() { # The power of the database's node fails: it runs on another one, with all its data; the node comes back.
  database
  local node
  node=$(where database)
  room kill-node "$node"
  within 30 "the database runs elsewhere" one_copy
  counts_again 30
  [ "$(where database)" != "$node" ] || fail "it is said to run on the dead node"
  room start-node "$node" || fail "$node does not come back"
  settled
}

three_server_killed() { # The server is killed: it is started again.
  database
  local pid
  pid=$(copy_pid)
  kill -KILL "$pid"
  within 20 "another server runs" another_copy "$pid"
  counts_again 20
  [ "$(failures database)" = 1 ] || fail "the cluster counts $(failures database) failures, not 1"
  settled
}

three_host_killed() { # The resident host is killed: the database goes on, the client does not notice.
  use database
  [ "$resident" = yes ] || missing "$agent has no resident host"
  database
  local pid host
  pid=$(copy_pid)
  host=$(host_pid)
  kill -KILL "$host"
  counts_again 2
  within 10 "there is another host" another_host "$host"
  same_copy "$pid" || fail "the database was restarted"
  [ "$(failures database)" = 0 ] || fail "the cluster saw a failure of the database"
  settled
}

three_server_paused() { # The whole server is paused (SIGSTOP): that is found, and another one takes its place.
  database
  local pid
  pid=$(copy_pid)
  # shellcheck disable=SC2046  # a list of numbers
  kill -STOP "$pid" $(cat "/proc/$pid/task/$pid/children")
  within 120 "another server runs" another_copy "$pid"
  counts_again 60
  settled
}

three_disk_full() { # The disk of the database fills up, and is emptied: it comes back with all that it acknowledged.
  database
  on switch dd if=/dev/zero of="$ROOM_DIRECTORY/shared/filler" bs=1M status=none 2>/dev/null
  sleep 3
  note "while the disk was full: $(on switch df --output=avail "$ROOM_DIRECTORY/shared" | tail -n 1) KiB free, counted up to $(counted)"
  on switch rm "$ROOM_DIRECTORY/shared/filler"
  counts_again 60
  cleanup database
  settled
}

three_pacemaker_upgraded() { # Pacemaker restarts on every node, one by one, in maintenance mode: the database does not notice.
  database
  local pid node
  pid=$(copy_pid)
  property maintenance-mode true
  idle
  for node in $(room nodes); do
    on "$node" killall -TERM pacemakerd
    within 30 "Pacemaker of $node ends" pacemaker_gone "$node"
    within 60 "Pacemaker of $node is back" rejoined "$node"
  done
  property maintenance-mode false
  idle
  same_copy "$pid" || fail "the database was restarted"
  settled
}

three_moved() { # The database is moved to each node in turn, and comes back.
  database
  local from to
  for _ in 1 2 3; do
    from=$(where database)
    crm crm_resource -r database --ban -N "$from" >/dev/null 2>&1 || fail "cannot ban it from $from"
    within 30 "it is gone from $from" elsewhere database "$from"
    within 30 "it runs once" one_copy
    crm crm_resource -r database --clear >/dev/null 2>&1
    idle
    expect_one_copy database
    to=$(where database)
    [ "$to" != "$from" ] || fail "it is still on $from"
  done
  settled
}

stubborn() { # an agent that hangs where a file says so
  use stubborn
  local node
  for node in $(room nodes); do on "$node" mkdir -p /run/wedge; done
  create stubborn
}

three_check_wedged() { # isAlive never returns: by policy that is a failure, and the resource is started again.
  # L-085
  stubborn
  local pid node
  pid=$(copy_pid)
  node=$(where stubborn)
  on "$node" touch /run/wedge/isalive
  within 150 "the wedged check is found" failed_at_least stubborn 1
  on "$node" rm /run/wedge/isalive
  within 60 "it runs again" another_copy "$pid"
  idle
  expect_one_copy stubborn
  remove stubborn
}

three_stop_wedged() { # offline never returns: stop still ends in time, with success, and nothing is left.
  # L-059, L-086
  stubborn
  local pid node started
  pid=$(copy_pid)
  node=$(where stubborn)
  on "$node" touch /run/wedge/offline
  started=$(now)
  crm crm_resource -r stubborn --ban -N "$node" >/dev/null 2>&1
  within 25 "it runs elsewhere" another_copy "$pid"
  note "stopped and started elsewhere after $(milliseconds_since "$started") ms; the stop may take ${stop_timeout}"
  [ "$(failures stubborn)" = 0 ] || fail "the stop failed"
  crm crm_resource -r stubborn --clear >/dev/null 2>&1
  idle
  expect_one_copy stubborn
  on "$node" rm /run/wedge/offline
  remove stubborn
}
