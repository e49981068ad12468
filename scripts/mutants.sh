#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Does the simulation find what it is there to find? Each of tests/sim/mutants/*.patch puts one deliberate bug into a copy of
# the tree; holdfast_sim must break a rule there. See docs/mutants.md.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

usage() {
  cat <<'USAGE'
Usage: scripts/mutants.sh [OPTION...] [NAME...]

Plays schedules with one deliberate bug after the other (all, or those named) until one breaks a rule.

  --list        what there is
  --seconds N   how long each may take to be caught (default 120)
  --seed N      of the first schedule (default 1)
  --jobs N      schedules side by side (default: one a processor)
  --quick       no shrinking, and no look at the simulation without a bug
  --write       writes docs/mutants.md from the results; only with all of them
  -h, --help    this text

Exit status: 0 all were caught; 1 one survived; 2 something else went wrong.
USAGE
}

mutants=$PWD/tests/sim/mutants work=$PWD/build/mutants seconds=120 seed=1 jobs=$(nproc) write=no quick=no list=no names=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --list) list=yes ;;
    --write) write=yes ;;
    --quick) quick=yes ;;
    --seconds | --seed | --jobs)
      [[ ${2-} =~ ^[1-9][0-9]{0,8}$ ]] || { warn "$1 needs a number"; exit 2; }
      case $1 in --seconds) seconds=$2 ;; --seed) seed=$2 ;; --jobs) jobs=$2 ;; esac
      shift
      ;;
    -*) usage >&2; exit 2 ;;
    *) names+=("$1") ;;
  esac
  shift
done

field() { sed -n "s/^$2: //p" "$mutants/$1.patch"; }                 # field NAME KEY: what its header says
changed() { sed -n 's|^+++ b/\([^	 ]*\).*|\1|p' "$mutants/$1.patch"; } # changed NAME: the files it changes

if [ ${#names[@]} -eq 0 ]; then
  all=yes
  for patch in "$mutants"/*.patch; do names+=("$(basename "$patch" .patch)"); done
else
  all=no
  for name in "${names[@]}"; do
    [ -e "$mutants/$name.patch" ] || { warn "there is no mutant '$name'; --list shows them"; exit 2; }
  done
fi
if [ "$list" = yes ]; then
  for name in "${names[@]}"; do printf '%-36s %s\n' "$name" "$(field "$name" Breaks)"; done
  exit 0
fi
if [ "$write" = yes ] && [ "$all$quick" != yesno ]; then warn "--write needs all mutants, and not quickly"; exit 2; fi

tree=$work/tree build=$work/tree/build/dev touched=$work/touched
mkdir -p "$tree"
exec 9>"$work/lock"
flock -n 9 || die "another run works in $work"

# The program that works: its group goes with us.
child=
ran() { # ran LOG COMMAND...: as `logged`, without a word
  local log=$1 rc=0
  shift
  setsid "$@" >"$log" 2>&1 </dev/null 9>&- &
  child=$!
  while [ "$quick" = yes ] && kill -0 "$child" 2>/dev/null; do
    sleep 0.2
    if grep -aq '^shrinking' "$log"; then
      kill -- "-$child" 2>/dev/null || true
      wait "$child" || true
      child=
      return 1
    fi
  done
  wait "$child" || rc=$?
  child=
  return "$rc"
}

# restore: the copy is as the tree again. What a patch changed gets a new date, so that it is compiled again.
restore() {
  local file
  [ -e "$touched" ] || return 0
  while read -r quiet file; do
    cp -- "$file" "$tree/$file"
    [ "$quiet" = no ] || touch -r "$file" "$tree/$file"
  done <"$touched"
  rm -f "$touched"
}
leave() {
  [ -z "$child" ] || kill -- "-$child" 2>/dev/null || true
  restore
}
trap leave EXIT
trap 'exit 130' INT TERM

# --- a copy of the tree, built once --------------------------------------------------------------------------------------
restore  # what a run before this one left, if it was killed
# Files that were restored are newer than the tree's, and have to stay so until they are compiled.
git ls-files -z | tar --null --ignore-failed-read -T - -c 2>/dev/null |
  tar -x --keep-newer-files -C "$tree" 2>/dev/null || true
# Objects compiled for the tree serve the copy.
export CCACHE_BASEDIR=$tree CCACHE_NOHASHDIR=1
configure=(cmake --preset dev -DHOLDFAST_EXAMPLES=OFF -DHOLDFAST_BENCHMARKS=OFF -DHOLDFAST_INSTALL=OFF)
compile=(cmake --build "$build" -j "$jobs" --target holdfast_sim)
program=$build/tests/sim/holdfast_sim
logged "Configuring a copy" "$work/configure.log" env -C "$tree" "${configure[@]}" || exit 2
logged "Building it" "$work/build.log" "${compile[@]}" || exit 2
# A simulation that cries without a reason would "catch" everything.
if [ "$quick" = no ] && ! ran "$work/unchanged.log" "$program" --quiet --seed "$seed" --schedules 1000 --jobs "$jobs"; then
  cat "$work/unchanged.log"
  warn "the simulation breaks a rule without any bug"
  exit 2
fi

# --- one mutant after the other --------------------------------------------------------------------------------------------
caught=0 survivors=() rows=()
for name in "${names[@]}"; do
  patch=$mutants/$name.patch log=$work/$name.log
  mapfile -t files < <(changed "$name")
  # A header's change shows only where its functions are used: the patch says where, so that not everything is compiled.
  read -ra users < <(field "$name" Compile) || true
  for file in "${files[@]}" "${users[@]}"; do
    quiet=no
    case $file in *.hpp) [ ${#users[@]} -eq 0 ] || quiet=yes ;; esac
    printf '%s %s\n' "$quiet" "$file"
  done >"$touched"
  if ! env -C "$tree" patch -p1 -s -f --no-backup-if-mismatch -F0 <"$patch" >"$log" 2>&1; then
    cat "$log"
    warn "$name does not apply any more"
    exit 2
  fi
  while read -r quiet file; do
    if [ "$quiet" = yes ]; then touch -r "$file" "$tree/$file"; else touch "$tree/$file"; fi
  done <"$touched"
  if ! ran "$log" "${compile[@]}"; then
    grep -aE ' error: ' "$log" | head -n 5 || tail -n 20 "$log"
    warn "$name does not compile"
    exit 2
  fi
  rc=0
  # Shrinking may take long if the bug makes schedules long; then there is no short list.
  ran "$log" timeout $((seconds + 300)) "$program" --quiet --seed "$seed" --seconds "$seconds" --schedules 100000000 \
    --most 1 --jobs "$jobs" || rc=$?
  found=$(sed -n 's/^  seed [0-9]* (--replay [0-9]*): //p' "$log" | head -n 1)
  calm=$(sed -n 's/^holdfast_sim: the calm schedule breaks a rule: //p' "$log" | head -n 1)
  if [ "$rc" -eq 2 ] && [ -n "$calm" ]; then  # so bad that it takes no event at all
    rc=1 found=$calm at=$seed events=0
  elif [ "$rc" -eq 1 ] && [ -n "$found" ]; then
    at=$(sed -n 's/^  seed \([0-9]*\) (--replay.*/\1/p' "$log" | head -n 1)
    events=$(sed -n '/^the shortest found/,$p' "$log" |
      grep -cE '^ +[0-9]+\.[0-9]{3} s  r[0-9]+: |^  r[0-9]+: call [0-9]+ of ' || true)
    grep -q '^the shortest found' "$log" || events='?'
  fi
  if [ "$rc" -eq 1 ] && [ -n "$found" ]; then
    caught=$((caught + 1))
    printf '%-36s caught after %s schedules, shrunk to %s events: %s\n' "$name" "$((at - seed + 1))" "$events" "$found"
    rule=$(sed -E 's/^r[0-9]+: //; s/[0-9.]+ of them because.*\(/(/; s/ [0-9]+(\.[0-9]+)? ms/ n ms/g; s/[0-9]+ times/n times/' <<<"$found")
    rows+=("| \`$name\` | $(field "$name" Breaks) | $rule | $((at - seed + 1)) | $events |")
  else
    survivors+=("$name")
    played=$(tr -d '\r' <"$log" | sed -n 's/^\([0-9]*\) schedules, .*/\1/p' | head -n 1)
    printf '%-36s SURVIVED %s schedules\n' "$name" "${played:-?}"
    rows+=("| \`$name\` | $(field "$name" Breaks) | **survived** | ${played:-?} | |")
  fi
  restore
done

say "$caught of ${#names[@]} caught${survivors[*]:+; survived: ${survivors[*]}}"
if [ "$write" = yes ]; then
  {
    sed -n '1,/^<!-- table/p' docs/mutants.md
    printf '\n%s of %s are caught.\n\n' "$caught" "${#names[@]}"
    printf '| Bug | What it breaks | Caught by the rule | After schedules | Events left |\n|---|---|---|--:|--:|\n'
    printf '%s\n' "${rows[@]}"
  } >"$work/mutants.md"
  cp "$work/mutants.md" docs/mutants.md
fi
[ ${#survivors[@]} -eq 0 ]
