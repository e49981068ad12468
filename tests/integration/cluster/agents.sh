# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# The agents that scenarios run: what to call them, what to give them, how to find their processes; sourced by run.sh.
# use NAME sets: agent (its type), parameters, copy (how the arguments of its one process begin), resident (yes: a host per
# resource stays), interval (of its monitor)

# shellcheck disable=SC2034  # read by the scenarios
use() {
  parameters=() resident=no interval=1s
  case $1 in
    application) # a plain program
      copy='/bin/sleep 86399'
      agent=ocf:heartbeat:anything parameters=(binfile=/bin/sleep cmdline_options=86399)
      ;;
    *) fail "the tests know no agent $1" ;;
  esac
}
