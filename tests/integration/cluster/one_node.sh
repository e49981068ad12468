# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# One node, one program as a resource; sourced by run.sh.
# shellcheck disable=SC2034  # create reads what is set here

one_life() { # A program is started, monitored, and stopped; nothing is left of it.
  # L-055: an agent that answers too early is restarted again and again.
  use program
  create program
  local pid
  pid=$(copy_pid)
  never_for 3 "the program was restarted although nothing happened" another_copy "$pid"
  [ "$(failures program)" = 0 ] || fail "there are failures although nothing happened"
  meta program target-role Stopped
  within 10 "the program is gone" no_copy
  meta program target-role Started
  within 10 "the program runs again" another_copy "$pid"
  remove program
}

one_failure() { # A program that is killed is found failed, and started again exactly once.
  # L-044
  use program
  create program
  local pid
  pid=$(copy_pid)
  kill -KILL "$pid"
  within 10 "the program runs again" another_copy "$pid"
  idle
  expect_one_copy program
  [ "$(failures program)" = 1 ] || fail "the cluster counts $(failures program) failures, not 1"
  cleanup program
  within 10 "the failure is forgotten" failed_times program 0
  remove program
}

one_maintenance() { # In maintenance mode a failure is left alone; afterwards it is found and repaired.
  use program
  create program
  local pid
  pid=$(copy_pid)
  property maintenance-mode true
  idle
  never_for 2 "maintenance mode stopped or restarted the program" another_copy "$pid"
  kill -KILL "$pid"
  never_for 3 "the cluster acts in maintenance mode" one_copy
  property maintenance-mode false
  within 20 "the program runs again" another_copy "$pid"
  idle
  expect_one_copy program
  remove program
}

one_host_killed() { # The resident host is killed: another takes the program over, which does not notice.
  use program
  create program
  local pid host
  pid=$(copy_pid)
  host=$(host_pid)
  kill -KILL "$host"
  within 10 "there is another host" another_host "$host"
  sleep 2
  same_copy "$pid" || fail "the program was restarted, or is gone"
  [ "$(failures program)" = 0 ] || fail "the cluster saw a failure of the program"
  # The new host knows what it watches.
  kill -KILL "$pid"
  within 10 "the program runs again" another_copy "$pid"
  idle
  expect_one_copy program
  remove program
}

one_pacemaker_killed() { # Pacemaker is killed, all of it, and comes back: the program goes on and is known again.
  use program
  create program
  local pid
  pid=$(copy_pid)
  on node1 killall -KILL pacemakerd pacemaker-controld pacemaker-execd pacemaker-based pacemaker-attrd \
    pacemaker-schedulerd pacemaker-fenced || fail "cannot kill Pacemaker"
  never_for 1 "the program noticed" gone_or_another "$pid"
  within 30 "Pacemaker is back" agreed_again
  idle
  within 10 "the cluster knows that the program runs" runs_somewhere program
  same_copy "$pid" || fail "the program was restarted"
  expect_one_copy program
  remove program
}

one_pacemaker_upgraded() { # In maintenance mode Pacemaker is shut down and started again, as an upgrade does: same process.
  use program
  create program
  local pid
  pid=$(copy_pid)
  property maintenance-mode true
  idle
  on node1 killall -TERM pacemakerd
  within 30 "Pacemaker ends" pacemaker_gone
  within 30 "Pacemaker is back" agreed_again
  property maintenance-mode false
  idle
  same_copy "$pid" || fail "the program was restarted"
  expect_one_copy program
  # It is watched again, too.
  kill -KILL "$pid"
  within 10 "the program runs again" another_copy "$pid"
  remove program
}

one_notified() { # InstantFailure=notify: the cluster hears of a failure long before the next monitor, and of a planned stop as none.
  # L-120, L-127
  use program
  interval=600s
  create program InstantFailure=notify
  local pid
  pid=$(copy_pid)
  kill -KILL "$pid"
  within 20 "the program runs again" another_copy "$pid"
  pid=$(copy_pid)
  never_for 3 "the program was started twice" another_copy "$pid"
  expect_one_copy program
  # Pacemaker 2.1.5 may count one failure that it is told twice.
  failed_at_least program 1 || fail "the cluster counts no failure"
  cleanup program
  within 10 "the failure is forgotten" failed_times program 0
  meta program target-role Stopped
  within 10 "the program is gone" no_copy
  never_for 3 "a planned stop was told as a failure" failed_at_least program 1
  remove program
}
