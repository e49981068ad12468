#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Runs a program on a machine that systemd runs, without being one: boots a real systemd as process 1 of its own namespaces.
#   tests/integration/systemd-room.sh PROGRAM [ARGUMENT...]
# Ends with the program's status, or with 4 (skipped) where that is not possible: no root, no systemd, no cgroup2.
#
# Booting systemd runs systemd-tmpfiles, whose rules empty /tmp. So nothing of the machine can be written from inside: / is
# an overlay over a tmpfs, /tmp, /var/tmp, /run and /dev are fresh, /sys and /proc/sys are read-only, and of the control
# groups only the room's own are seen. It refuses to boot if any of that is not so.
set -u -o pipefail
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
self=$(readlink -f "${BASH_SOURCE[0]}")
skip() { printf 'systemd-room: skipped: %s\n' "$*" >&2; exit 4; }

boot() { # the first process of the namespaces; $1: the room's directory
  set -e
  mount --make-rprivate /
  local room=$1 root=$1/root entry name number
  mount -t tmpfs tmpfs "$room"
  mkdir "$root" "$room/upper" "$room/work"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$room/upper,workdir=$room/work" "$root"
  for name in tmp var/tmp; do mount -t tmpfs -o mode=1777 tmpfs "$root/$name"; done
  for name in run dev; do mount -t tmpfs -o mode=755 tmpfs "$root/$name"; done
  mkdir "$root/dev/pts" "$root/dev/shm"
  for entry in null:3 zero:5 full:7 random:8 urandom:9; do
    IFS=: read -r name number <<<"$entry"
    mknod -m 666 "$root/dev/$name" c 1 "$number"
  done
  mknod -m 666 "$root/dev/tty" c 5 0
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  mount -t proc proc "$root/proc"
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,ro,bind "$root/proc/sys"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  rm -rf "$root/etc/systemd/system" # none of the machine's own services
  mkdir -p "$root/etc/systemd/system"
  printf '[Unit]\nRequires=basic.target dbus.socket\nAfter=basic.target\n' >"$root/etc/systemd/system/room.target"
  for name in systemd-udevd.service systemd-udev-trigger.service systemd-modules-load.service systemd-sysctl.service \
    systemd-remount-fs.service systemd-timesyncd.service systemd-random-seed.service systemd-update-utmp.service \
    systemd-binfmt.service systemd-tmpfiles-clean.timer dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount; do
    ln -sf /dev/null "$root/etc/systemd/system/$name"
  done
  : >"$root/etc/fstab"
  echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
  cd "$root"
  mkdir -p oldroot
  pivot_root . oldroot
  cd /
  umount -l /oldroot
  rmdir /oldroot
  [ "$(stat -f -c %T /)" = overlayfs ] || { echo 'refused: / is not an overlay'; exit 9; }
  for name in /tmp /var/tmp /run /dev; do
    [ "$(stat -f -c %T $name)" = tmpfs ] || { echo "refused: $name is not private"; exit 9; }
  done
  ip link set lo up 2>/dev/null || true
  exec env -i container=room PATH="$PATH" /lib/systemd/systemd --system --unit=room.target --log-target=console --show-status=no
}
if [ "${1:-}" = --boot ]; then boot "$2"; fi

[ $# -gt 0 ] || { echo "usage: systemd-room.sh PROGRAM [ARGUMENT...]" >&2; exit 2; }
[ "$(id -u)" = 0 ] || skip "not root"
for program in unshare nsenter pivot_root systemctl dbus-daemon; do
  command -v "$program" >/dev/null || skip "there is no $program"
done
[ -x /lib/systemd/systemd ] || skip "there is no systemd"
groups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$groups" ] || skip "no cgroup2 is mounted"
room=$(mktemp -d /run/systemd-room.XXXXXX) || skip "cannot make a directory in /run"
group=$groups/$(basename "$room")
mkdir "$group" 2>/dev/null || { rmdir "$room"; skip "cannot make a control group in $groups"; }
init=
leave() {
  [ -z "$init" ] || kill -KILL "$init" 2>/dev/null
  local left
  for left in $(seq 100); do
    [ -z "$(cat "$group/cgroup.procs" 2>/dev/null)" ] && find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
    [ -d "$group" ] || break
    sleep 0.05
  done
  rm -rf "$room.log"
  rmdir "$room" 2>/dev/null
}
trap leave EXIT
trap 'exit 143' TERM INT
(
  echo "$BASHPID" >"$group/cgroup.procs"
  exec setsid unshare --mount --net --ipc --uts --pid --cgroup --fork --kill-child=KILL bash "$self" --boot "$room" </dev/null >"$room.log" 2>&1
) &
outer=$!
for _ in $(seq 200); do
  init=$(awk '{ print $1 }' "/proc/$outer/task/$outer/children" 2>/dev/null)
  [ -n "$init" ] && [ "$(cat "/proc/$init/comm" 2>/dev/null)" = systemd ] && break
  kill -0 "$outer" 2>/dev/null || skip "it does not boot: $(tail -n 3 "$room.log")"
  sleep 0.05
done
inside() { nsenter -t "$init" -a env -i PATH="$PATH" LC_ALL=C "$@"; }
for _ in $(seq 200); do
  state=$(inside systemctl is-system-running 2>/dev/null)
  case $state in running | degraded) break ;; esac
  sleep 0.1
done
case ${state:-} in running | degraded) ;; *) skip "systemd is '${state:-}' after 20 s: $(tail -n 3 "$room.log")" ;; esac
inside test -x "$1" || skip "$1 cannot be seen from inside (it lies in /tmp or /run)"
inside "$@"
