# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# The agents that scenarios run: what to call them, what to give them, how to find their processes; sourced by run.sh.
# shellcheck disable=SC2034,SC2154  # what is set here is read by the scenarios; run.sh sets build

collect_agents() { # collect_agents FOLDER: one folder with all of our agents that are built, as an OCF provider needs
  local launcher
  mkdir -p "$1"
  for launcher in "$build"/{examples,tests/integration}/*/ocf/resource.d/holdfast/*; do
    [ ! -x "$launcher" ] || ln -sf "$launcher" "$1/"
  done
}
built() { [ -x "$ROOM_DIRECTORY.agents/$1" ]; }

# use NAME: sets agent (its type), parameters, copy (how the arguments of its one process begin), resident (yes: a host process per
# resource), and what else its operations need
use() {
  parameters=() resident=yes interval=1s monitor_timeout=60s start_timeout=30s stop_timeout=20s
  data=$ROOM_DIRECTORY/shared/database
  case $1 in
    program) # a plain program
      copy='/bin/sleep 86399'
      agent=ocf:holdfast:application
      parameters=('CommandLine=/bin/sleep 86399' StartTime=0ms)
      ;;
    stubborn) # the tests' own: hangs in the entry point that a file in /run/wedge names
      copy='/bin/sleep 86398'
      agent=ocf:holdfast:stubborn
      parameters=(Wedge=/run/wedge)
      ;;
    database)
      copy="/usr/lib/postgresql/[0-9]+/bin/postgres -D $data"
      agent=ocf:holdfast:postgresql
      built postgresql || { use heartbeat-database; return; }
      parameters=("DataDirectory=$data")
      ;;
    heartbeat-database) # the agent to compare with
      copy="/usr/lib/postgresql/[0-9]+/bin/postgres -D $data"
      agent=ocf:heartbeat:pgsql resident=no
      parameters=("pgctl=$(echo /usr/lib/postgresql/*/bin/pg_ctl)" psql=/usr/bin/psql "pgdata=$data" pgport=5432
        socketdir=/run/postgresql)
      ;;
    *) fail "the tests know no agent $1" ;;
  esac
  case $agent in
    ocf:holdfast:*) built "${agent##*:}" || missing "the agent $agent is not built" ;;
  esac
}
create() { # create RESOURCE [NAME=VALUE...]: of the agent in use, with more parameters or meta attributes
  local id=$1
  resource=$id
  shift
  primitive "$id" "$agent" "$interval" "${parameters[@]}" "$@"
  within 30 "$id runs" one_copy
  idle
  expect_one_copy "$id"
}
