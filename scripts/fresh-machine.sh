#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Proves that the project builds on a machine with nothing installed: makes a minimal Debian 12 in a folder, copies
# the last commit into it, runs ./dev jobs there and prints their times. Needs root, debootstrap and git.
#   scripts/fresh-machine.sh [--keep] [--work DIRECTORY] [JOB...]        (default jobs: demo test)
set -euo pipefail
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
. "$here/common.sh"

keep=no work=${TMPDIR:-/tmp}/holdfast-fresh jobs=()
while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=yes ;;
    --work) work=${2:?--work needs a directory}; shift ;;
    -h | --help) sed -n '3,5s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
    -*) die "unknown option '$1' (see --help)" ;;
    *) jobs+=("$1") ;;
  esac
  shift
done
[ "${#jobs[@]}" -gt 0 ] || jobs=(demo test)
[ "$(id -u)" -eq 0 ] || die "making a chroot needs root"
command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
command -v git >/dev/null || die "git is missing: apt-get install git"

mirror=${HOLDFAST_DEBIAN_MIRROR:-}   # debootstrap knows one
base=$work/bookworm-minbase.tar
root=$work/root
log=$work/log
mkdir -p "$work" "$log"

unmount() {
  local point
  for point in dev/shm proc; do
    if mountpoint -q "$root/$point"; then umount "$root/$point"; fi
  done
}
# shellcheck disable=SC2317  # called by the trap
cleanup() {
  unmount
  [ "$keep" = yes ] || rm -rf --one-file-system "$root"
}
trap cleanup EXIT

if ! [ -e "$base" ]; then
  logged "debootstrap (once)" "$log/debootstrap.log" \
    debootstrap --variant=minbase bookworm "$work/base" ${mirror:+"$mirror"}
  tar -C "$work/base" -cf "$base.part" . && mv "$base.part" "$base"
  rm -rf --one-file-system "$work/base"
fi
unmount
rm -rf --one-file-system "$root"
mkdir -p "$root"
tar -C "$root" -xf "$base"

# The one thing a machine must bring: where its packages come from, and how a name is resolved.
sed -n 's/ bookworm main/ bookworm-updates main/p' "$root/etc/apt/sources.list" >"$root/etc/apt/sources.list.d/updates.list"
[ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$root/etc/resolv.conf"
[ ! -e /etc/hosts ] || cp -L /etc/hosts "$root/etc/hosts"
apt-config dump Acquire 2>/dev/null | grep -E '^Acquire::(http|https)::Proxy ' >"$root/etc/apt/apt.conf.d/90proxy" || true
mount -t proc proc "$root/proc"
# debootstrap made the device nodes; the machine's own /dev stays out, so that no clean-up can reach it.
mkdir -p "$root/dev/shm"
mount -t tmpfs tmpfs "$root/dev/shm"

mkdir -p "$root/root/holdfast"
git -C "$here/.." archive HEAD | tar -C "$root/root/holdfast" -xf -

rc=0
times=()
for job in "${jobs[@]}"; do
  start=$SECONDS
  status=ok
  say "=== ./dev $job"
  # shellcheck disable=SC2016  # expanded inside
  chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /bin/bash -c 'cd /root/holdfast && exec ./dev "$1" </dev/null' bash "$job" 2>&1 | tee "$log/$job.log" || { status=FAILED; rc=1; }
  times+=("./dev $job: $status, $(seconds_since "$start")")
done
say "=== from an empty Debian 12 ($(nproc) processors)"
printf '%s\n' "${times[@]}"
exit "$rc"
