#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Runs the fuzz targets of build/fuzz and says what came of it: fuzz.sh [--seconds N] [--jobs N] [--coverage] [TARGET...]
# New inputs are kept in build/fuzz/corpus/TARGET, so that each run goes on where the last one ended; what breaks a promise is kept
# in build/fuzz/crashes, and is tried again by the next run: what breaks nothing any more becomes an input like others.
# Exit status: 0 no crash, 1 there are some, or a target ended with an error, 2 the command line is wrong.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

seconds=60 jobs=1 coverage=no targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2; shift ;;
    --jobs) jobs=$2; shift ;;
    --coverage) coverage=yes ;;
    *) targets+=("$1") ;;
  esac
  shift
done

# What each target is about: the files of which coverage is told.
declare -A codec=(
  [configuration]='src/monitor/configuration.cpp src/monitor/toml_reader.cpp src/monitor/suggestion.cpp src/monitor/dependency_check.cpp'
  [control]='src/adapters/control_call.cpp src/adapters/control_buffers.hpp src/adapters/property_controls.cpp
             src/adapters/resource_controls.cpp src/adapters/type_controls.cpp src/abi/control_codes.cpp src/abi/property_list.cpp
             src/abi/property_list_writer.cpp'
  [control_lines]='src/monitor/control_protocol.cpp'
  [flight]='src/exec/flight_reader.cpp src/exec/flight_event.cpp src/monitor/flight_file.cpp'
  [host_frames]='src/monitor/frame.cpp src/monitor/host_protocol.cpp'
  [ocf]='src/ocf/invocation.cpp src/ocf/message.cpp src/ocf/parameters.cpp src/ocf/text.cpp'
  [property_list]='src/abi/property_list.cpp src/abi/property_list_writer.cpp src/abi/wide.cpp'
  [reaper_wire]='src/process/wire.cpp src/process/wire.hpp'
  [registry_value]='src/abi/registry_value.cpp src/abi/text_bytes.hpp src/abi/wide.cpp'
  [state]='src/monitor/state_format.cpp'
  [trace]='src/timeline/clock_fit.cpp src/timeline/flight_pairs.hpp src/timeline/html.cpp src/timeline/lanes.cpp
           src/timeline/layout.cpp src/timeline/marks_svg.cpp src/timeline/model_builder.cpp src/timeline/model_cut.cpp
           src/timeline/model_json.cpp src/timeline/perfetto.cpp src/timeline/plain_text.cpp src/timeline/svg.cpp
           src/timeline/trace_reader.cpp src/timeline/when.cpp src/timeline/words.cpp src/timeline/xml_text.cpp'
)
mapfile -t known < <(printf '%s\n' "${!codec[@]}" | sort)
[ "${#targets[@]}" -gt 0 ] || targets=("${known[@]}")
for target in "${targets[@]}"; do
  if [ -z "${codec[$target]-}" ]; then
    echo "there is no fuzz target '$target'; there are: ${known[*]}" >&2
    exit 2
  fi
done

build=build/fuzz
logs=$build/log/fuzz
crashes=$build/crashes
mkdir -p "$logs" "$crashes"
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1

broken() { # broken TARGET: the inputs it failed on; what was only slow is none of them
  find "$crashes" -type f \( -name "$1-crash-*" -o -name "$1-leak-*" -o -name "$1-timeout-*" -o -name "$1-oom-*" \) | sort
}

try_again() { # try_again TARGET: what an earlier run failed on may have been mended since
  local target=$1 file
  mkdir -p "$build/corpus/$target"
  while read -r file; do
    if timeout --kill-after=10s 60 nice -n 10 "$build/tests/fuzz/${target}_fuzz" -timeout=30 -rss_limit_mb=2500 \
        -artifact_prefix="$logs/$target-again-" "$file" >"$logs/$target.again.log" 2>&1 </dev/null; then
      echo "  ${file##*/} breaks nothing any more"
      mv "$file" "$build/corpus/$target/"
    else
      echo "  ${file##*/} still fails"
    fi
  done < <(broken "$target")
}

fuzz() { # fuzz TARGET: in the background
  local target=$1 options=() rc=0
  rm -f "$logs/$target.status"
  mkdir -p "$build/corpus/$target"
  [ ! -e "tests/fuzz/dictionaries/$target.dict" ] || options+=("-dict=tests/fuzz/dictionaries/$target.dict")
  # Longer than its time: -timeout ends an input that takes too long, this what libFuzzer itself does not get out of.
  timeout --kill-after=10s $((seconds + 120)) nice -n 10 "$build/tests/fuzz/${target}_fuzz" -max_total_time="$seconds" \
    -timeout=30 -rss_limit_mb=2500 -print_final_stats=1 -artifact_prefix="$crashes/$target-" "${options[@]}" \
    "$build/corpus/$target" "tests/fuzz/corpus/$target" >"$logs/$target.log" 2>&1 || rc=$?
  echo "$rc" >"$logs/$target.status"
}

number() { sed -n "s/^stat::$2: *//p" "$logs/$1.log" | tail -n 1; }
edges() { sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$logs/$1.log" | tail -n 1; }

covered() { # covered TARGET: "lines regions" in percent of its codec's files, reached by all inputs there are
  local target=$1 program=build/coverage/tests/fuzz/$1_fuzz places=("tests/fuzz/corpus/$1") raw=$PWD/$logs/$1.profraw
  if [ "$coverage" = no ] || ! [ -e "$program" ]; then
    echo '- -'
    return
  fi
  [ -z "$(ls -A "$build/corpus/$target" 2>/dev/null)" ] || places+=("$build/corpus/$target")
  LLVM_PROFILE_FILE=$raw timeout 600 nice -n 10 "$program" "${places[@]}" >"$logs/$target.replay.log" 2>&1 || { echo '? ?'; return; }
  llvm-profdata merge -sparse "$raw" -o "$logs/$target.profdata" || { echo '? ?'; return; }
  llvm-cov report "$program" -instr-profile="$logs/$target.profdata" >"$logs/$target.coverage" 2>&1 || true
  # Name, then total, missed and percent of regions, functions, lines. The names are whole or begin in this folder, as the
  # compiler was told them: so they are picked here and not by llvm-cov, which would take all of them for none.
  awk -v wanted="$(tr -s ' \n' '  ' <<<"${codec[$target]}")" '
    BEGIN {count = split(wanted, file, " ")}
    {
      for (i = 1; i <= count; ++i) {
        if ($1 != file[i] && substr($1, length($1) - length(file[i])) != "/" file[i]) continue
        regions += $2; regions_missed += $3; lines += $8; lines_missed += $9
      }
    }
    END {
      if (lines == 0 || regions == 0) print "? ?"
      else printf "%.1f %.1f\n", 100 * (lines - lines_missed) / lines, 100 * (regions - regions_missed) / regions
    }' "$logs/$target.coverage"
}

started=$SECONDS
running=() failures=0
wait_for_one() {
  local name left=()
  wait -n || true   # what it came to is in its log and its status
  for name in "${running[@]}"; do
    if kill -0 "${name#*:}" 2>/dev/null; then
      left+=("$name")
    else
      printf '  %4d s  %-15s %12s executions\n' $((SECONDS - started)) "${name%%:*}" "$(number "${name%%:*}" number_of_executed_units)"
    fi
  done
  running=("${left[@]}")
}
echo "Fuzzing ${#targets[@]} targets, ${seconds} s each, $jobs at a time"
for target in "${targets[@]}"; do try_again "$target"; done
for target in "${targets[@]}"; do
  while [ "${#running[@]}" -ge "$jobs" ]; do wait_for_one; done
  fuzz "$target" &
  running+=("$target:$!")
done
while [ "${#running[@]}" -gt 0 ]; do wait_for_one; done

echo
printf '%-15s %12s %8s %7s %8s %9s %8s\n' target executions exec/s edges 'lines %' 'regions %' crashes
sum=0
for target in "${targets[@]}"; do
  read -r lines regions <<<"$(covered "$target")"
  found=$(broken "$target" | wc -l)
  status=$(cat "$logs/$target.status" 2>/dev/null || echo '?')
  # A target that ended for another reason is no success either: a leak found at its end, a signal, nothing done.
  if [ "$found" -eq 0 ] && [ "$status" != 0 ]; then found="exit $status"; fi
  if [ "$found" = 0 ] && ! grep -q '^stat::number_of_executed_units' "$logs/$target.log"; then found='ended'; fi
  [ "$found" = 0 ] || failures=$((failures + 1))
  count=$(number "$target" number_of_executed_units)
  sum=$((sum + ${count:-0}))
  printf '%-15s %12s %8s %7s %8s %9s %8s\n' "$target" "${count:--}" "$(number "$target" average_exec_per_sec)" \
    "$(edges "$target")" "${lines%\%}" "${regions%\%}" "$found"
done
printf '%-15s %12s\n' all "$sum"
if [ "$failures" -gt 0 ]; then
  echo
  echo "Inputs that break a promise, and how to run each again:"
  for target in "${targets[@]}"; do
    while read -r file; do echo "  $build/tests/fuzz/${target}_fuzz $file"; done < <(broken "$target")
    status=$(cat "$logs/$target.status" 2>/dev/null || echo '?')
    [ "$status" = 0 ] || echo "  $target ended with status $status: $logs/$target.log"
    grep -haE '^(BROKEN PROMISE|SUMMARY:|.*runtime error:)' "$logs/$target.log" | sort -u | head -n 3 | sed "s/^/  $target: /" || true
  done
  exit 1
fi
