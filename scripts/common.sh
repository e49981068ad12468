# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# Shared by ./dev and the scripts beside this file; sourced, never run.

export HOME=${HOME:-/root}
HOLDFAST_CACHE=${HOLDFAST_CACHE:-$HOME/.cache/holdfast}   # CMakePresets.json looks in the same place
export HOLDFAST_CACHE

say()  { printf '%s\n' "$*"; }
warn() { printf 'holdfast: %s\n' "$*" >&2; }
die()  { printf 'holdfast: %s\n' "$*" >&2; exit 1; }

# seconds_since START: whole seconds since a $SECONDS value, as "1 min 05 s" or "12 s"
seconds_since() {
  local s=$((SECONDS - $1))
  if [ "$s" -ge 60 ]; then printf '%d min %02d s' $((s / 60)) $((s % 60)); else printf '%d s' "$s"; fi
}

# logged TITLE LOG COMMAND...: runs a long command with its output in LOG. On a terminal the last line of the
# log is shown as progress; elsewhere one line is printed every 30 s. A failure prints the end of the log
# (unless logged_quiet_failure is "yes").
logged() {
  local title=$1 log=$2 start=$SECONDS pid rc=0 last=$SECONDS line noted=no
  shift 2
  mkdir -p "$(dirname "$log")"
  printf '%s … ' "$title"
  # A group of its own, so that an interrupted job takes the command's children with it.
  setsid "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  # shellcheck disable=SC2064  # the number as it is now
  trap "kill -- -$pid 2>/dev/null; echo; exit 130" INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.5
    if [ -t 1 ]; then
      line=$(tail -c 400 "$log" 2>/dev/null | tr '\r' '\n' | tail -n 1 | cut -c1-60)
      printf '\r\033[K%s … %s  %s' "$title" "$(seconds_since "$start")" "$line"
    elif [ $((SECONDS - last)) -ge 30 ]; then
      last=$SECONDS noted=yes
      printf '\n  %s, %s: %s' "$title" "$(seconds_since "$start")" "$(tail -n 1 "$log" 2>/dev/null | cut -c1-90)"
    fi
  done
  wait "$pid" || rc=$?
  trap - INT TERM
  [ -t 1 ] && printf '\r\033[K%s … ' "$title"
  [ "$noted" = no ] || printf '\n%s … ' "$title"
  if [ "$rc" -eq 0 ]; then
    printf 'done (%s)\n' "$(seconds_since "$start")"
  else
    printf 'FAILED (exit %d, %s)\n' "$rc" "$(seconds_since "$start")"
    if [ "${logged_quiet_failure:-no}" = no ]; then
      if grep -qE ' error: |undefined reference|^CMake Error' "$log"; then
        say "--- the errors in $log"
        grep -aE -A1 ' error: |undefined reference|^CMake Error' "$log" | head -n 40 | cut -c1-300
      fi
      say "--- the last 40 lines of $log"
      tail -n 40 "$log"
      say "--- end of $log"
    fi
  fi
  return "$rc"
}

# debian_source SUITE PACKAGE DIRECTORY: downloads a Debian source package into DIRECTORY. The settings are
# private to this call: neither the system's list of sources nor its caches change, and no root is needed.
debian_source() {
  local suite=$1 package=$2 directory=$3 private mirror
  # shellcheck disable=SC2016  # apt expands it
  mirror=${HOLDFAST_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
    grep -m1 '/debian/$' || true)}
  if [ -z "$mirror" ]; then
    warn "apt knows no Debian mirror; set HOLDFAST_DEBIAN_MIRROR to one"
    return 1
  fi
  private=$(mktemp -d)
  mkdir -p "$directory" "$private"/{lists/partial,cache/archives/partial,sources}
  cat >"$private/apt.conf" <<END
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$private/sources";
Dir::State::lists "$private/lists";
Dir::Cache "$private/cache";
APT::Sandbox::User "";
END
  cat >"$private/sources/source.sources" <<END
Types: deb-src
URIs: $mirror
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
  local rc=0
  (
    cd "$directory"
    export APT_CONFIG=$private/apt.conf
    apt-get -q update && apt-get -q source --download-only "$package"
  ) || rc=$?
  rm -rf "$private"
  [ "$rc" -eq 0 ] || warn "could not fetch the Debian source of $package ($suite) from $mirror"
  return "$rc"
}
