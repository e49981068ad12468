#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Runs a real Corosync and Pacemaker cluster of 1 to 9 nodes on one machine, without touching the machine.
#
# A node is a set of namespaces of its own (processes, mounts, network, IPC, host name). Its process 1 is this script, so
# that killing this one process is a power cut: the kernel takes every process of the node with it. A node has a /run,
# /dev/shm, /etc/corosync, /var/lib/pacemaker and /var/log/pacemaker of its own. The switch is one more set: a bridge, from
# where clients reach the nodes (10.213.77.1 to 10.213.77.9), and the shared storage, a tmpfs on $ROOM_DIRECTORY/shared
# that all nodes see and the machine does not.
#
#   room.sh up N [fence]       boots node1..nodeN and waits for a quorum, with fence: a power switch as a fencing device
#   room.sh exec NODE PROGRAM [ARGUMENT...]   runs a program inside a node; NODE `switch`: beside the nodes
#   room.sh kill-node NODE     power cut
#   room.sh start-node NODE    boots a dead node again, its disk as it was, its /run empty
#   room.sh stop-node NODE     shuts Pacemaker down, then the node
#   room.sh cut-node NODE      unplugs the network cable; heal-node NODE plugs it in again
#   room.sh wait-idle [SECONDS]   waits until the cluster has nothing left to do
#   room.sh nodes | live | fenced | down   lists all nodes, the live ones, what was fenced; ends everything
#
# Environment: ROOM_DIRECTORY (default /tmp/holdfast-room); when `up` is run also ROOM_AGENTS ("PROVIDER=DIRECTORY ...": OCF
# agents that all nodes see), ROOM_STORAGE (size of the shared storage, 512m), ROOM_TOKEN (Corosync's patience in ms, 1000).
# Exit status: 0; 1 it failed; 2 the command line is wrong; 4 skipped: this machine cannot do it, standard error says why.
# shellcheck disable=SC2015,SC2317  # in A && B || C, C never returns or is the last; functions are called by name
set -u -o pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
self=$(readlink -f "${BASH_SOURCE[0]}")
room=${ROOM_DIRECTORY:-/tmp/holdfast-room}
network=10.213.77   # seen inside alone
patience=60         # seconds a step of booting may take

say() { printf '%s\n' "$*"; }
warn() { printf 'room: %s\n' "$*" >&2; }
die() { warn "$*"; exit 1; }
skip() { warn "skipped: $*"; exit 4; }

# --- processes: remembered as "pid start-time", so that a number used again never matches -----------------------------
birth() { # birth PID: its start time; fails if there is no such process or only its zombie
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra stat <<<"${stat##*) }"
  [ "${stat[0]}" != Z ] && printf '%s' "${stat[19]}"
}
remember() { printf '%s %s\n' "$2" "$(birth "$2")" >"$1"; }
pid_of() { # pid_of FILE: the process remembered there, if it lives
  local pid born
  read -r pid born 2>/dev/null <"$1" && [ -n "$born" ] && [ "$(birth "$pid")" = "$born" ] && printf '%s' "$pid"
}
end() { # end FILE: kills the process remembered there and waits for its death
  local pid
  if pid=$(pid_of "$1"); then
    kill -KILL "$pid" 2>/dev/null
    for _ in $(seq 500); do
      birth "$pid" >/dev/null || break
      sleep 0.02
    done
    ! birth "$pid" >/dev/null || { warn "process $pid ($1) does not die"; return 1; }
  fi
  rm -f "$1"
}
wait_for() { # wait_for WHAT COMMAND...: until it succeeds, at most `patience` seconds
  local what=$1 last=$((SECONDS + patience))
  shift
  until "$@"; do
    [ $SECONDS -lt $last ] || { warn "not within $patience s: $what"; return 1; }
    sleep 0.05
  done
}

nodes() { local node; for node in "$room"/node[1-9]; do [ ! -d "$node" ] || basename "$node"; done; }
init_of() { pid_of "$room/$1/init"; }
live() { local node; for node in $(nodes); do init_of "$node" >/dev/null && say "$node"; done; return 0; }
known() { [ -n "${1:-}" ] && [ -d "$room/$1" ] || { warn "there is no node '${1:-}'"; exit 2; }; }
in_switch() { nsenter -t "$(pid_of "$room/switch" || echo 0)" -m -n -- "$@"; }
in_node() {
  local init
  if [ "$1" = switch ]; then shift; in_switch "$@"; return; fi
  init=$(init_of "$1") || { warn "$1 is down"; return 69; }
  shift
  nsenter -t "$init" -m -n -i -u -p -- env -u BASH_ENV PATH="$PATH" LC_ALL=C "$@"
}

# --- files --------------------------------------------------------------------------------------------------------------
corosync_conf() { # Corosync wants a line for each brace
  local i
  printf 'totem {\n version: 2\n cluster_name: room\n transport: knet\n crypto_cipher: none\n crypto_hash: none\n'
  printf ' token: %s\n token_coefficient: 0\n}\n' "$token"
  printf 'system {\n sched_rr: no\n move_to_root_cgroup: no\n}\n' # neither is allowed in a container
  printf 'logging {\n to_stderr: no\n to_syslog: no\n to_logfile: yes\n logfile: /var/log/corosync/corosync.log\n}\n'
  printf 'quorum {\n provider: corosync_votequorum\n'
  [ "$count" != 2 ] || printf ' two_node: 1\n wait_for_all: 0\n'
  printf '}\nnodelist {\n'
  for i in $(seq "$count"); do
    printf ' node {\n  name: node%d\n  nodeid: %d\n  ring0_addr: %s.%d\n }\n' "$i" "$i" $network "$i"
  done
  printf '}\n'
}
first_cib() { # with a short dc-deadtime: by default the first election takes 20 s
  local fencing=''
  [ "$fence" = no ] || fencing='<primitive id="fencing" class="stonith" type="fence_room"><operations>
      <op id="fencing-monitor" name="monitor" interval="60s" timeout="20s"/></operations></primitive>'
  cat <<END
<cib crm_feature_set="3.16.0" validate-with="pacemaker-3.7" epoch="1" num_updates="0" admin_epoch="0"><configuration>
 <crm_config><cluster_property_set id="room">
  <nvpair id="room-1" name="dc-deadtime" value="$([ "$count" = 1 ] && echo 1s || echo 2s)"/>
  <nvpair id="room-2" name="stonith-enabled" value="$([ "$fence" = no ] && echo false || echo true)"/>
 </cluster_property_set></crm_config>
 <nodes/><resources>$fencing</resources><constraints/>
</configuration><status/></cib>
END
}
write_node() { # write_node NODE: what is on its disk
  local disk=$room/$1 i
  mkdir -p "$disk"/{pacemaker/{blackbox,cib,cores,pengine},corosync,log/{pacemaker,corosync},etc/corosync}
  corosync_conf >"$disk/etc/corosync/corosync.conf"
  say "$1" >"$disk/etc/hostname"
  say "127.0.0.1 localhost" >"$disk/etc/hosts"
  for i in $(seq "$count"); do say "$network.$i node$i" >>"$disk/etc/hosts"; done
  first_cib >"$disk/pacemaker/cib/cib.xml"
  chown -R hacluster:haclient "$disk/pacemaker" "$disk/log/pacemaker"
  chmod 750 "$disk"/pacemaker/*
  chmod 770 "$disk/log/pacemaker"
  chmod 600 "$disk/pacemaker/cib/cib.xml"
}

# --- inside a node: its process 1 ---------------------------------------------------------------------------------------
fail() { say "$*" >"$room/$node/failed"; exit 1; }
be_node() {
  node=$1
  local disk=$room/$1 pair corosync clean
  # shellcheck source=/dev/null
  . "$room/settings"
  mount --make-rprivate / && mount -t proc proc /proc || fail "mount /proc"
  mount -t sysfs sysfs /sys 2>/dev/null || true # shows this node's network alone
  { mount -t tmpfs -o mode=755 tmpfs /run && mount -t tmpfs -o mode=1777 tmpfs /dev/shm; } || fail "mount /run"
  mkdir /run/lock && chmod 1777 /run/lock
  install -d -m 755 /run/resource-agents # HA_RSCTMP
  install -d -m 750 -o hacluster -g haclient /run/crm
  ! id postgres >/dev/null 2>&1 || install -d -m 2775 -o postgres -g postgres /run/postgresql
  for pair in pacemaker:/var/lib/pacemaker corosync:/var/lib/corosync log/pacemaker:/var/log/pacemaker \
    log/corosync:/var/log/corosync etc/corosync:/etc/corosync etc/hosts:/etc/hosts etc/hostname:/etc/hostname; do
    mount --bind "$disk/${pair%%:*}" "${pair#*:}" || fail "mount ${pair#*:}"
  done
  if [ -n "$agents" ]; then # directories, not links: agents reach their libraries through ../../lib
    local providers=()
    for pair in /usr/lib/ocf/resource.d/*/; do pair=${pair%/}; providers+=("${pair##*/}=$pair"); done
    for pair in $agents; do providers+=("$pair"); done
    for pair in "${providers[@]}"; do
      mkdir -p "/run/ocf/${pair%%=*}" && mount --bind "${pair#*=}" "/run/ocf/${pair%%=*}" || fail "provider $pair"
    done
    mount --rbind /run/ocf /usr/lib/ocf/resource.d || fail "mount the providers"
  fi
  if [ "$fence" != no ]; then # Pacemaker takes fencing agents from /usr/sbin alone
    mkdir /run/sbin && mount -t tmpfs tmpfs /run/sbin && mkdir /run/sbin/{upper,work} &&
      mount -t overlay overlay -o lowerdir=/usr/sbin,upperdir=/run/sbin/upper,workdir=/run/sbin/work /usr/sbin &&
      sed "s#@ROOM@#$room#" "${self%/*}/fence_room" >/usr/sbin/fence_room && chmod 755 /usr/sbin/fence_room ||
      fail "overlay /usr/sbin"
  fi
  hostname "$node"
  ip link set lo up
  : >"$disk/ready" # the cable may be plugged in
  wait_for "the network cable" ip link show dev eth0 >/dev/null 2>&1 || fail "no cable"
  ip addr add "$network.${node#node}/24" dev eth0 && ip link set eth0 up || fail "no address"
  # What an init system would give: the bare environment and signals by default.
  clean=(env -i --default-signal PATH="$PATH" LANG=C.UTF-8)
  "${clean[@]}" corosync -f </dev/null >"$disk/log/corosync.out" 2>&1 &
  corosync=$!
  # pacemakerd waits longer and longer if it is there before Corosync.
  answers() { ! kill -0 "$corosync" 2>/dev/null || corosync-cmapctl -g runtime.votequorum.this_node_id >/dev/null 2>&1; }
  wait_for "Corosync" answers && kill -0 "$corosync" 2>/dev/null || fail "corosync: $(tail -n 1 "$disk/log/corosync.out")"
  : >"$disk/booted"
  while :; do # Pacemaker underneath its resources is ended and started again: the process manager's work
    (cd / && exec "${clean[@]}" PCMK_logfile=/var/log/pacemaker/pacemaker.log PCMK_logfacility=none pacemakerd) \
      </dev/null >>"$disk/log/pacemakerd.out" 2>&1 &
    say $! >"$disk/pacemakerd"
    wait $!
    while [ -e "$disk/hold" ]; do sleep 0.1; done
    sleep 0.2
  done
}

# --- outside ------------------------------------------------------------------------------------------------------------
boot_node() { # boots and plugs in, does not wait for the cluster
  local node=$1 disk=$room/$1 port=port${1#node} outer init
  rm -f "$disk"/{ready,failed,booted,hold,init,outer}
  in_switch ip link del "$port" 2>/dev/null
  setsid nsenter -t "$(pid_of "$room/switch")" -m -- unshare --mount --net --ipc --uts --pid --fork --kill-child=KILL \
    bash "$self" be-node "$node" </dev/null >"$disk/log/init.out" 2>&1 &
  outer=$!
  remember "$disk/outer" $outer
  disown $outer
  arrived() { [ -e "$disk/$1" ] || [ -e "$disk/failed" ] || ! birth "$outer" >/dev/null; }
  why() { warn "$node does not boot: $(cat "$disk/failed" "$disk/log/init.out" 2>/dev/null | tail -n 3)"; return 1; }
  wait_for "the namespaces of $node" arrived ready && [ -e "$disk/ready" ] || why || return 1
  init=$(cat "/proc/$outer/task/$outer/children")
  remember "$disk/init" "${init%% *}"
  in_switch ip link add "$port" type veth peer name eth0 netns "${init%% *}" && in_switch ip link set "$port" master br0 up ||
    why || return 1
  wait_for "Corosync of $node" arrived booted && [ -e "$disk/booted" ] || why
}
power_off() { end "$room/$1/init" && end "$room/$1/outer"; }
agreed() { # agreed NODE...: they are online, there is a quorum and a coordinator, as the first one sees it
  local seen node
  seen=$(in_node "$1" timeout 5 crm_mon -1 --output-as=xml 2>/dev/null) || return 1
  case $seen in *'<current_dc present="true"'*'with_quorum="true"'*) ;; *) return 1 ;; esac
  for node in "$@"; do
    case $seen in *"<node name=\"$node\" id=\"${node#node}\" online=\"true\""*) ;; *) return 1 ;; esac
  done
}
be_fencer() { # the power switch: answers what fence_room asks
  local id verb node status
  exec 8<>"$room/fence/requests"
  while read -r id verb node <&8; do
    status=1
    if [ -d "$room/$node" ]; then
      case $verb in
        status) if init_of "$node" >/dev/null; then status=0; else status=2; fi ;;
        off | reboot) power_off "$node" && status=0 ;;
        on) init_of "$node" >/dev/null || boot_node "$node"; status=$? ;;
      esac
    fi
    say "$verb $node $status" >>"$room/fence/log"
    say $status >"$room/fence/answer.$id.new" && mv "$room/fence/answer.$id.new" "$room/fence/answer.$id"
    [ "$verb$status" != reboot0 ] || [ -e "$room/fence/stay-off" ] || boot_node "$node"
  done
}
down() {
  local node
  end "$room/fencer" || return 1
  for node in $(nodes); do power_off "$node" || return 1; done
  end "$room/switch" || return 1
  rm -rf "$room"
}
up() {
  count=${1:-} fence=${2:-no} token=${ROOM_TOKEN:-1000} agents=${ROOM_AGENTS:-}
  local program node job jobs=() online
  [[ $count =~ ^[1-9]$ && $fence =~ ^(no|fence)$ ]] || { warn "up N [fence], with N from 1 to 9"; exit 2; }
  [ "$(id -u)" = 0 ] || skip "not root"
  for program in corosync pacemakerd crm_mon cibadmin crm_resource corosync-cmapctl ip unshare nsenter setsid; do
    command -v $program >/dev/null || skip "there is no $program (Debian: pacemaker pacemaker-cli-utils corosync iproute2)"
  done
  unshare --mount --net --ipc --uts --pid --fork sh -c 'mount --make-rprivate / && mount -t proc proc /proc' 2>/dev/null ||
    skip "namespaces and mounts are not allowed here"
  [ ! -e "$room" ] || die "$room exists already: room.sh down"
  mkdir -p "$room/shared"
  chmod 755 "$room"
  declare -p count fence token agents | sed 's/^declare -[-a-z]* //' >"$room/settings"
  trap 'down; exit 143' INT TERM HUP
  setsid unshare --mount --net sleep infinity </dev/null >/dev/null 2>&1 &
  remember "$room/switch" $!
  disown $!
  apart() { [ "$(readlink "/proc/$(pid_of "$room/switch")/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
  wait_for "the switch" apart && in_switch mount --make-rprivate / &&
    in_switch mount -t tmpfs -o "mode=755,size=${ROOM_STORAGE:-512m}" tmpfs "$room/shared" &&
    in_switch ip link add br0 type bridge forward_delay 0 && in_switch ip link set br0 up &&
    in_switch ip link set lo up && in_switch ip addr add $network.100/24 dev br0 ||
    { down; skip "a bridge or a mount in a namespace is not allowed here"; }
  for node in $(seq -f node%g "$count"); do write_node "$node"; done
  if [ "$fence" != no ]; then
    mkdir "$room/fence"
    mkfifo "$room/fence/requests"
    nodes >"$room/fence/list"
    setsid bash "$self" be-fencer </dev/null >"$room/fence/out" 2>&1 &
    remember "$room/fencer" $!
    disown $!
  fi
  for node in $(nodes); do boot_node "$node" & jobs+=($!); done
  for job in "${jobs[@]}"; do wait "$job" || { down; die "the cluster does not boot"; }; done
  mapfile -t online < <(nodes)
  wait_for "a quorum with all nodes online" agreed "${online[@]}" || { down; die "the cluster does not form"; }
}
start_node() {
  local online
  ! init_of "$1" >/dev/null || die "$1 runs already"
  boot_node "$1" || exit 1
  mapfile -t online < <(live)
  wait_for "$1 joins" agreed "$1" "${online[@]}" || exit 1
}
stop_node() {
  local pid
  pid=$(cat "$room/$1/pacemakerd") && : >"$room/$1/hold" && in_node "$1" kill -TERM "$pid" || die "no Pacemaker on $1"
  gone() { ! in_node "$1" kill -0 "$pid" 2>/dev/null; }
  wait_for "Pacemaker of $1 ends" gone "$1" || exit 1
  power_off "$1"
}
wait_idle() {
  local node
  node=$(live | head -n 1)
  in_node "$node" timeout "${1:-60}" crm_resource --wait --timeout="${1:-60}s" >/dev/null 2>&1 ||
    die "the cluster is not idle after ${1:-60} s"
}

command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
  up | nodes | live | down) $command "$@" ;;
  fenced) cat "$room/fence/log" 2>/dev/null ;;
  exec) [ "${1:-}" = switch ] || known "${1:-}"; in_node "$@" ;;
  kill-node) known "${1:-}"; power_off "$1" ;;
  start-node) known "${1:-}"; start_node "$1" ;;
  stop-node) known "${1:-}"; stop_node "$1" ;;
  cut-node) known "${1:-}"; in_switch ip link set "port${1#node}" down ;;
  heal-node) known "${1:-}"; in_switch ip link set "port${1#node}" up ;;
  wait-idle) wait_idle "$@" ;;
  be-node) be_node "$1" ;;
  be-fencer) be_fencer ;;
  help | -h | --help) sed -n '3,/^# shellcheck/{/^# shellcheck/!s/^# \{0,1\}//p}' "$self" ;;
  *) warn "unknown command '$command'; room.sh help explains them"; exit 2 ;;
esac
