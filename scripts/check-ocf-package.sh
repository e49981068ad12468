#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Makes the Debian packages of the agents for Pacemaker from a build folder, looks at what they hold, and installs, upgrades and
# removes one with dpkg while its resource runs: in a mount namespace of its own, so that the system's files and its dpkg do
# not change.
#   scripts/check-ocf-package.sh BUILD
# Exit status 77 if there is no dpkg, or no such namespace.
set -euo pipefail
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
bad=0
wrong() { echo "$1" >&2; bad=1; }
skip() { echo "not checked: $1" >&2; exit 77; }

agent=/usr/lib/ocf/resource.d/holdfast/application
host=/usr/lib/holdfast/ocf/application-host
reaper=/usr/libexec/holdfast/application/holdfast-reaper

# --- inside the namespace -------------------------------------------------------------------------------------------
if [ "${1-}" = --inside ]; then
  scratch=$2 package=$3
  for folder in /usr /var/lib/dpkg; do
    mkdir -p "$scratch/room$folder/upper" "$scratch/room$folder/work"
    mount -t overlay overlay \
      -o "lowerdir=$folder,upperdir=$scratch/room$folder/upper,workdir=$scratch/room$folder/work" "$folder" || exit 77
  done
  action() { # action NAME: as Pacemaker would call it
    local rc=0
    env OCF_ROOT=/usr/lib/ocf OCF_RA_VERSION_MAJOR=1 OCF_RA_VERSION_MINOR=1 HA_RSCTMP="$scratch/run" \
      OCF_RESOURCE_INSTANCE=packaged OCF_RESKEY_CommandLine='sleep 600' OCF_RESKEY_CRM_meta_timeout=20000 \
      timeout 30 "$agent" "$1" </dev/null >"$scratch/output" 2>&1 || rc=$?
    echo "$rc"
  }
  expect() { # expect CODE NAME WHEN
    local rc
    rc=$(action "$2")
    [ "$rc" = "$1" ] || wrong "$2 $3 ended with $rc, not $1: $(tail -n 3 "$scratch/output")"
  }
  mkdir -m 755 "$scratch/run"
  umask 077   # L-003: whoever installs it
  dpkg --force-depends -i "$package" >"$scratch/dpkg" 2>&1 || wrong "dpkg -i: $(tail -n 3 "$scratch/dpkg")"
  umask 022
  # L-003: the controller asks as hacluster, ocf-tester as nobody.
  for user in nobody hacluster; do
    id "$user" >/dev/null 2>&1 || continue
    su -s /bin/sh "$user" -c "cd / && $agent meta-data" >"$scratch/$user.xml" 2>"$scratch/complaint" ||
      wrong "meta-data as $user: $(head -c 300 "$scratch/complaint")"
    rc=0
    "$here/check-ocf-metadata.sh" "$scratch/$user.xml" || rc=$?
    [ "$rc" -eq 0 ] || [ "$rc" -eq 77 ] || wrong "meta-data as $user is not valid"
  done
  expect 7 monitor "before the start"
  expect 0 start ""
  expect 0 monitor "after the start"
  # L-005: an upgrade renames. Whoever has the old file open still has the whole of it.
  exec 9<"$agent"
  before=$(stat -c %i "$agent") sum=$(cksum <"$agent")
  dpkg --force-depends -i "$package" >"$scratch/dpkg" 2>&1 || wrong "the upgrade: $(tail -n 3 "$scratch/dpkg")"
  [ "$(stat -c %i "$agent")" != "$before" ] || wrong "the upgrade wrote into the agent's file"
  [ "$(cksum <&9)" = "$sum" ] || wrong "the upgrade changed the old agent's file"
  expect 0 monitor "after the upgrade under a running resource"
  expect 0 stop "after the upgrade"
  expect 7 monitor "after the stop"
  expect 0 stop "of what is stopped"
  dpkg -r holdfast-ocf-application >"$scratch/dpkg" 2>&1 || wrong "dpkg -r: $(tail -n 3 "$scratch/dpkg")"
  for file in "$agent" "$host" "$reaper"; do [ ! -e "$file" ] || wrong "$file is left after the removal"; done
  exit "$bad"
fi

# --- outside --------------------------------------------------------------------------------------------------------
build=$(readlink -f "${1:?usage: check-ocf-package.sh BUILD}")
command -v dpkg-shlibdeps >/dev/null || skip "there is no dpkg-shlibdeps (package dpkg-dev)"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
(cd "$build" && cpack -G DEB -B "$scratch/made") >"$scratch/cpack" 2>&1 || { tail -n 20 "$scratch/cpack"; exit 1; }
package=$(compgen -G "$scratch/made/holdfast-ocf-application_*.deb") || { echo "there is no package of the application"; exit 1; }

for deb in "$scratch"/made/*.deb; do
  name=$(dpkg-deb -f "$deb" Package)
  short=${name#holdfast-ocf-}
  # Not through a pipe: whoever writes into one that `grep -q` has left fails, now and then.
  case $(dpkg-deb -f "$deb" Depends) in *'libc6 (>='*) ;; *) wrong "$name depends on no C library" ;; esac
  summary=$(dpkg-deb -f "$deb" Description)
  case ${summary%%$'\n'*} in *Pacemaker*) ;; *) wrong "$name does not say what it is" ;; esac
  dpkg-deb -c "$deb" >"$scratch/list"
  for file in "/usr/lib/ocf/resource.d/holdfast/$short" "/usr/lib/holdfast/ocf/$short-host" \
      "/usr/libexec/holdfast/$short/holdfast-reaper"; do
    grep -qE "^-rwxr-xr-x root/root .* \.$file\$" "$scratch/list" || wrong "$name: $file is not there with mode 0755"
  done
  grep -qE "^-rw-r--r-- root/root .* \./usr/share/doc/$name/pacemaker\.md\$" "$scratch/list" || wrong "$name has no document"
  # L-003: every folder is searchable by all. L-004: nothing of an installation by steps is left.
  folders=$(grep -E '^d' "$scratch/list" | grep -v '^drwxr-xr-x root/root' || true)
  [ -z "$folders" ] || wrong "$name: a folder is not open to all"
  ! grep -q '\.new$' "$scratch/list" || wrong "$name holds a file that was to be renamed"
  # What is compiled in is where it will lie: the build, still here, would serve as well and hide a mistake.
  rm -rf "$scratch/unpacked"
  dpkg-deb -x "$deb" "$scratch/unpacked"
  programs=("$scratch/unpacked/usr/lib/ocf/resource.d/holdfast/$short" "$scratch/unpacked/usr/lib/holdfast/ocf/$short-host")
  for program in "${programs[@]}" "$scratch/unpacked/usr/libexec/holdfast/$short/holdfast-reaper"; do
    ! grep -qF "$build" "$program" || wrong "$name: ${program##*/} holds the path of the build"
  done
  for program in "${programs[@]}"; do
    grep -qF "/usr/libexec/holdfast/$short/holdfast-reaper" "$program" || wrong "$name: ${program##*/} knows another reaper"
  done
  grep -qF "/usr/lib/holdfast/ocf/$short-host" "${programs[0]}" || wrong "$name: the agent knows another host program"
  [ -s "$scratch/unpacked/usr/share/doc/$name/pacemaker.md" ] || wrong "$name: its document is empty"
done
if command -v lintian >/dev/null; then
  lintian --fail-on error --suppress-tags no-changelog,dir-or-file-in-usr-libexec "$package" || wrong "lintian: see above"
fi
[ "$bad" -eq 0 ] || exit 1

# A tmpfs: an overlay does not lie on another one.
rc=0
# shellcheck disable=SC2016  # the inner shell expands it
unshare --mount --propagation private sh -c 'mount -t tmpfs -o mode=755 tmpfs "$1/made/_CPack_Packages" &&
  exec "$0" --inside "$1/made/_CPack_Packages" "$2"' "$here/check-ocf-package.sh" "$scratch" "$package" || rc=$?
[ "$rc" -ne 77 ] || skip "a mount namespace with an overlay cannot be had; what the packages hold was looked at"
exit "$rc"
