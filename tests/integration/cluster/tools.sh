# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# What others say of our agents: the tools of the resource-agents project and of Pacemaker; sourced by run.sh.
# shellcheck disable=SC2154  # run.sh and `use` set what is read here

providers=/usr/lib/ocf/resource.d
each_agent() { # each_agent COMMAND [ARGUMENT...]: with the name of each of our agents that is built
  local launcher
  for launcher in "$ROOM_DIRECTORY.agents"/*; do "$@" "${launcher##*/}" || return; done
}
one_metadata() { # The metadata of each agent are valid by the DTD and by the OCF 1.1 schema, and Pacemaker can read them.
  # L-003, L-064, L-099
  local status=0
  "$here/../../../scripts/check-ocf-metadata.sh" "$ROOM_DIRECTORY.agents"/* || status=$?
  case $status in
    0) ;;
    77) note "DTD and schema were skipped" ;;
    *) fail "the metadata are not valid" ;;
  esac
  each_agent shown_by_pacemaker
}
shown_by_pacemaker() {
  on node1 crm_resource --show-metadata "ocf:holdfast:$1" >/dev/null 2>&1 || fail "crm_resource cannot show the metadata of $1"
  # The controller asks as hacluster.
  on node1 su -s /bin/sh hacluster -c "OCF_ROOT=/usr/lib/ocf $providers/holdfast/$1 meta-data" >/dev/null ||
    fail "hacluster is not given the metadata of $1"
}

one_ocf_tester() { # ocf-tester, as root, really starts and stops it, and has nothing to say against it.
  # L-098
  command -v ocf-tester >/dev/null || missing "there is no ocf-tester (Debian: resource-agents)"
  use program
  local said
  said=$(on node1 ocf-tester -v -n tested -o "${parameters[0]}" "$providers/holdfast/application" 2>&1) ||
    fail "$(grep -v '^ *Testing' <<<"$said" | tail -n 8)"
  note "$(tail -n 1 <<<"$said")"
  expect_quiet
}

validates() { # validates STATUS NAME=VALUE...: what crm_resource --validate says of the application agent
  local status=$1 pair options=() got=0
  shift
  for pair in "$@"; do options+=(--option "$pair"); done
  on node1 crm_resource --validate --class ocf --provider holdfast --agent application "${options[@]}" >/dev/null 2>&1 || got=$?
  [ $got = "$status" ] || fail "crm_resource --validate $*: status $got, not $status"
}
one_crm_resource() { # crm_resource --validate and the --force actions: each says what is so.
  # L-063
  use program
  validates 0 "${parameters[@]}"
  validates 6 CommandLine=/bin/true StopPatience=soon
  create program
  local pid
  pid=$(copy_pid)
  on node1 crm_resource --force-check -r program >/dev/null 2>&1 || fail "--force-check does not find it running"
  same_copy "$pid" || fail "--force-check restarted it"
  on node1 crm_verify -L -V || fail "crm_verify has something to say"
  meta program target-role Stopped
  idle
  ! on node1 crm_resource --force-check -r program >/dev/null 2>&1 || fail "--force-check finds it running"
  on node1 crm_resource --force-start -r program >/dev/null 2>&1 || fail "--force-start"
  one_copy || fail "--force-start started nothing"
  on node1 crm_resource --force-stop -r program >/dev/null 2>&1 || fail "--force-stop"
  no_copy || fail "--force-stop left it running"
  remove program
}
