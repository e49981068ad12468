# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# One node, one program as a resource; sourced by run.sh.
# shellcheck disable=SC2154  # `use` sets agent, copy, interval, parameters

one_life() { # A program is started, monitored, and stopped; nothing is left of it.
  use application
  primitive program "$agent" "$interval" "${parameters[@]}"
  within 20 "the program runs" copy "$copy" >/dev/null
  idle
  expect_one_copy program "$copy"
  local pid
  pid=$(copy "$copy")
  never_for 3 "the program was restarted although nothing happened" another_copy "$copy" "$pid"
  [ "$(failures program)" = 0 ] || fail "there are failures although nothing happened"
  meta program target-role Stopped
  within 10 "the program is gone" no_copy "$copy"
  meta program target-role Started
  within 10 "the program runs again" another_copy "$copy" "$pid"
  remove program
}

one_failure() { # A program that is killed is found failed, and started again exactly once.
  use application
  primitive program "$agent" "$interval" "${parameters[@]}"
  within 20 "the program runs" copy "$copy" >/dev/null
  idle
  local pid
  pid=$(copy "$copy")
  kill -KILL "$pid"
  within 10 "the program runs again" another_copy "$copy" "$pid"
  idle
  expect_one_copy program "$copy"
  [ "$(failures program)" = 1 ] || fail "the cluster counts $(failures program) failures, not 1"
  cleanup program
  within 10 "the failure is forgotten" failed_times program 0
  remove program
}

one_maintenance() { # In maintenance mode a failure is left alone; afterwards it is found and repaired.
  use application
  primitive program "$agent" "$interval" "${parameters[@]}"
  within 20 "the program runs" copy "$copy" >/dev/null
  idle
  local pid
  pid=$(copy "$copy")
  property maintenance-mode true
  idle
  never_for 2 "maintenance mode stopped or restarted the program" another_copy "$copy" "$pid"
  kill -KILL "$pid"
  never_for 3 "the cluster acts in maintenance mode" copy "$copy"
  property maintenance-mode false
  within 20 "the program runs again" another_copy "$copy" "$pid"
  idle
  expect_one_copy program "$copy"
  remove program
}
