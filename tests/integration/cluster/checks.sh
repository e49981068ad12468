# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# What scenarios are written with; sourced by run.sh. A scenario is a function that runs in a subshell: `fail` ends it.
# shellcheck disable=SC2154  # run.sh sets here; `use` sets copy and resident, `create` resource

fail() { printf '    FAILED: %s\n' "$*" >&2; exit 1; }
missing() { printf '    skipped: %s\n' "$*" >&2; exit 4; }
note() { printf '    %s\n' "$*" >&2; }
room() { "$here/room.sh" "$@"; }
on() { room exec "$@"; } # on NODE PROGRAM [ARGUMENT...]
any_node() { room live | head -n 1; }
crm() { on "$(any_node)" "$@"; } # where a command for the cluster runs does not matter
now() { date +%s%N; }
milliseconds_since() { echo $((($(now) - $1) / 1000000)); }

within() { # within SECONDS WHAT COMMAND...: waits until it succeeds, or the scenario fails
  local seconds=$1 what=$2 last=$(($(now) + $1 * 1000000000))
  shift 2
  until "$@"; do
    [ "$(now)" -lt $last ] || fail "not within $seconds s: $what"
    sleep 0.05
  done
}
never_for() { # never_for SECONDS WHAT COMMAND...: it does not succeed all this time, or the scenario fails
  local what=$2 last=$(($(now) + $1 * 1000000000))
  shift 2
  while [ "$(now)" -lt $last ]; do
    ! "$@" || fail "$what"
    sleep 0.1
  done
}
expect() { # expect WHAT COMMAND...
  local what=$1
  shift
  "$@" || fail "$what"
}

# --- resources ----------------------------------------------------------------------------------------------------------
primitive() { # primitive ID TYPE INTERVAL [NAME=VALUE...]: TYPE as ocf:PROVIDER:NAME; what begins with "meta:" is a meta attribute
  local id=$1 class provider type interval=$3 pair parameters='' meta=''
  IFS=: read -r class provider type <<<"$2"
  shift 3
  for pair in "$@"; do
    case $pair in
      meta:*) meta+="<nvpair id=\"$id-m-${pair%%=*}\" name=\"${pair%%=*}\" value=\"${pair#*=}\"/>" ;;
      *) parameters+="<nvpair id=\"$id-p-${pair%%=*}\" name=\"${pair%%=*}\" value=\"${pair#*=}\"/>" ;;
    esac
  done
  meta=${meta//meta:/}
  crm cibadmin -C -o resources -X "<primitive id=\"$id\" class=\"$class\" provider=\"$provider\" type=\"$type\">
    <meta_attributes id=\"$id-meta\">$meta</meta_attributes>
    <instance_attributes id=\"$id-parameters\">$parameters</instance_attributes>
    <operations><op id=\"$id-start\" name=\"start\" interval=\"0\" timeout=\"${start_timeout:-30s}\"/>
      <op id=\"$id-stop\" name=\"stop\" interval=\"0\" timeout=\"${stop_timeout:-20s}\"/>
      <op id=\"$id-monitor\" name=\"monitor\" interval=\"$interval\" timeout=\"${monitor_timeout:-20s}\"/>
    </operations></primitive>" || fail "the cluster does not take resource $id"
}
meta() { crm crm_resource -r "$1" --meta -p "$2" -v "$3" >/dev/null || fail "cannot set $2 of $1"; }
property() { crm crm_attribute -n "$1" -v "$2" >/dev/null || fail "cannot set the cluster's $1"; }
where() { crm crm_resource -r "$1" -W -Q 2>/dev/null; }
is_on() { [ "$(where "$1")" = "$2" ]; } # is_on RESOURCE NODE
idle() { room wait-idle || fail "the cluster does not come to rest"; }
failures() { # failures RESOURCE: how often it failed, over all nodes
  crm crm_mon -1 --output-as=xml | grep -o "<resource_history id=\"$1\".*fail-count=\"[0-9A-Z]*\"" |
    sed 's/.*fail-count="//; s/"//; s/INFINITY/1000000/' | awk '{ sum += $1 } END { print sum + 0 }'
}
agreed_again() { [[ $(crm timeout 5 crm_mon -1 --output-as=xml 2>/dev/null) == *'current_dc present="true"'* ]]; }
pacemaker_gone() { [ -z "$(on "${1:-node1}" pidof pacemaker-controld)" ]; }
rejoined() { [[ $(on "$1" timeout 5 crm_mon -1 --output-as=xml 2>/dev/null) == *"node name=\"$1\" id=\"${1#node}\" online=\"true\""* ]]; }
elsewhere() { local node; node=$(where "$1"); [ -n "$node" ] && [ "$node" != "$2" ]; }
failed_at_least() { [ "$(failures "$1")" -ge "$2" ]; }
failed_times() { [ "$(failures "$1")" = "$2" ]; } # failed_times RESOURCE COUNT
runs_somewhere() { [ -n "$(where "$1")" ]; }
forgotten() { crm timeout 20 crm_resource --cleanup -r "$1" >/dev/null 2>&1; }
cleanup() { within 30 "crm_resource --cleanup succeeds" forgotten "$1"; }

# --- processes, seen from outside: all nodes at once --------------------------------------------------------------------
processes_of() { # processes_of NODE: "PID ARGUMENTS" of what runs there and is not the cluster's own
  local init space
  { read -r init _ <"$ROOM_DIRECTORY/$1/init"; } 2>/dev/null || return 0
  space=$(stat -L -c %i "/proc/$init/ns/pid" 2>/dev/null) || return 0
  ps -e -o pidns=,pid=,stat=,args= | awk -v space="$space" '$1 == space && $3 !~ /^Z/ {
    $1 = $3 = ""; sub(/^ +/, ""); gsub(/  +/, " "); print }' |
    grep -vE '^[0-9]+ (bash [^ ]*room.sh be-node |corosync -f|pacemakerd|/usr/lib/pacemaker/|sleep 0\.[12]$)'
  return 0
}
copies() { # "NODE PID" of each process whose arguments begin as $copy says
  local node
  for node in $(room nodes); do
    processes_of "$node" | awk -v node="$node" -v pattern="^[0-9]+ $copy" '$0 ~ pattern { print node, $1 }'
  done
}
copy_pid() { # the process number of the one copy; fails if there is none or more
  local found
  found=$(copies)
  [ "$(wc -w <<<"$found")" = 2 ] && echo "${found#* }"
}
one_copy() { copy_pid >/dev/null; }
no_copy() { [ -z "$(copies)" ]; }
another_copy() { # another_copy PID: there is exactly one, and it is not this one
  local pid
  pid=$(copy_pid) && [ "$pid" != "$1" ]
}
same_copy() { [ "$(copy_pid)" = "$1" ]; }
gone_or_another() { [ "$(copy_pid)" != "$1" ]; }
hosts() { # "NODE PID" of each resident host of $resource
  local node
  for node in $(room nodes); do
    processes_of "$node" | awk -v node="$node" -v resource="$resource" '$2 ~ /-host$/ && $4 == resource { print node, $1 }'
  done
}
host_pid() { local found; found=$(hosts); [ "$(wc -w <<<"$found")" = 2 ] && echo "${found#* }"; }
another_host() { local pid; pid=$(host_pid) && [ "$pid" != "$1" ]; }
quiet() { # nothing but the cluster's own processes runs in any node
  local node
  for node in $(room nodes); do [ -z "$(processes_of "$node")" ] || return 1; done
}
show_processes() {
  local node
  for node in $(room nodes); do processes_of "$node" | cut -c1-150 | sed "s/^/    $node: /" >&2; done
}
expect_quiet() {
  local last=$((SECONDS + 5))
  until quiet; do
    if [ $SECONDS -ge $last ]; then
      show_processes
      fail "processes are left although no resource runs"
    fi
    sleep 0.1
  done
}
expect_one_copy() { # expect_one_copy RESOURCE: exactly one, where the cluster believes it is, under exactly one host
  local found
  within 10 "the cluster says that $1 runs" runs_somewhere "$1"
  found=$(copies)
  [ "$(wc -w <<<"$found")" = 2 ] || { show_processes; fail "there is not exactly one copy of $1: ${found:-none}"; }
  [ "${found% *}" = "$(where "$1")" ] || fail "$1 runs on ${found% *}, the cluster believes on $(where "$1")"
  [ "$resident" = yes ] || return 0
  [ "$(hosts | cut -d' ' -f1)" = "${found% *}" ] || { show_processes; fail "there is not one host, beside the copy"; }
}
remove() { # remove RESOURCE: stops and deletes it; nothing may be left of it
  meta "$1" target-role Stopped
  idle
  cleanup "$1"
  crm crm_resource -r "$1" --clear >/dev/null 2>&1 # constraints that moved it
  crm cibadmin --delete --xml-text "<primitive id=\"$1\"/>" >/dev/null || fail "cannot delete $1"
  idle
  expect_quiet
}
