#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# A resource's whole life under `holdfast.exe run`, its agent in a process of its own, told what to do by `holdfast.exe ctl` and read
# from the trace. Under Wine, by hand or as a test:
#   tests/integration/windows/life.sh sqlite|service|classic|application|debug BUILD_DIR
# Exit status: 0 everything was seen; 1 something was not, and the end of the log says what was; 2 wrong usage.
set -euo pipefail
stories='sqlite service classic application debug'
case " $stories " in *" ${1:-} "*) ;; *) echo "usage: life.sh ${stories// /|} BUILD_DIR" >&2; exit 2 ;; esac
story=$1
build=$(realpath "${2:?usage: life.sh STORY BUILD_DIR}")
wine_run=$(realpath "$(dirname "$0")/../../../scripts/wine-run")
room=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-life.XXXXXX")
own=$(basename "$room")   # in the command line of every process of this run
log=$room/monitor.log
trace=$room/trace.jsonl
monitor=
service=
shown=0

# pids NAME: the processes of this run whose command line has NAME in it
pids() {
  local entry line
  for entry in /proc/[0-9]*; do
    line=$({ tr '\0' ' ' <"$entry/cmdline"; } 2>/dev/null) || continue   # it may have ended meanwhile
    case $line in *"$own"*"$1"*) case $line in *life.sh*) ;; *) echo "${entry#/proc/}" ;; esac ;; esac
  done
}
# count LIST: how many words there are
count() { local words; read -ra words <<<"${1//$'\n'/ }"; echo "${#words[@]}"; }

finish() {
  local rc=$? pid
  trap - EXIT
  # The monitor first: it would start again what is ended here.
  for pid in $monitor $(pids 'holdfast.exe'); do kill -KILL "$pid" 2>/dev/null || true; done
  for pid in $(pids '.exe'); do kill -KILL "$pid" 2>/dev/null || true; done
  [ -z "$service" ] || "$wine_run" sc delete "$service" >/dev/null 2>&1 </dev/null || true
  if [ "$rc" -eq 0 ]; then
    rm -rf "$room"
  else
    echo "--- the end of the log ($log)"
    tail -n 30 "$log" 2>/dev/null || true
    if [ "${HOLDFAST_KEEP:-}" = yes ]; then echo "The files of this run are in $room"; else rm -rf "$room"; fi
  fi
  exit "$rc"
}
trap finish EXIT
trap 'exit 1' INT TERM

say() { printf '\n==> %s\n' "$*"; }
fail() { printf '\nFAILED: %s\n' "$*"; exit 1; }
# within SECONDS WHAT COMMAND...: until the command succeeds
within() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "not within the time given: $what"
    sleep 0.1
  done
}
fresh() { tail -n "+$((shown + 1))" "$log" | grep -Eq -- "$1"; }
# expect SECONDS WHAT REGEX: a line that no earlier `expect` has read
expect() {
  within "$1" "$2" fresh "$3"
  shown=$((shown + $(tail -n "+$((shown + 1))" "$log" | grep -En -m1 -- "$3" | cut -d: -f1)))
}
state() { expect 40 "$1 reaches $2" "^[0-9:.]+ +$1 +state +.*-> $2\b"; }
ctl() { "$wine_run" "$room/bin/holdfast.exe" ctl --control "$control" "$@" </dev/null | tr -d '\r'; }
calls() { sed -n "s/.*\"resource\":\"$1\",\"record\":\"call\",\"entryPoint\":\"\([A-Za-z]*\)\".*/\1/p" "$trace"; }
# called NAME ENTRYPOINT...: whether they were called in this order, whatever else was in between
called() {
  local name=$1
  shift
  calls "$name" | tr '\n' ' ' | grep -Eq "$(printf '\\b%s .*' "$@")"
}
was_called() { called "$@" || fail "$1 was not called in the order ${*:2}, but: $(calls "$1" | tr '\n' ' ')"; }
# life NAME: the trace as a table; calls that repeat are one row
life() {
  printf '    %-12s  %-20s  %s\n' time call 'result, duration; state; checkpoint'
  grep "\"resource\":\"$1\"" "$trace" | awk '
    function field(name,   at, rest) {
      at = index($0, "\"" name "\":")
      if (at == 0) return ""
      rest = substr($0, at + length(name) + 3)
      if (substr(rest, 1, 1) == "\"") { rest = substr(rest, 2); sub(/".*/, "", rest) } else sub(/[,}].*/, "", rest)
      return rest
    }
    function flush() { if (kept != "") printf "%s%s\n", kept, (times > 1 ? " (and " times - 1 " more)" : ""); kept = "" }
    function row(key, what, detail) {
      if (key == last && kept != "") { ++times; return }
      flush()
      last = key; times = 1
      kept = sprintf("    %s  %-20s  %s", substr(field("time"), 12, 12), what, detail)
    }
    /"record":"call"/ {
      what = field("entryPoint")
      if (what ~ /Control/) row(what field("control") field("result"), what, sprintf("0x%08X: %s", field("control"), field("result")))
      else row(what field("result"), what, sprintf("%s, %.1f ms of %d", field("result"), field("span") / 1e6, field("budget") / 1e6))
    }
    /"record":"state"/ { row("state" NR, "", field("from") " -> " field("to") (field("reason") == "" ? "" : ": " substr(field("reason"), 1, 70))) }
    /"record":"status"/ { row("status" field("state"), "  SetResourceStatus", field("state") ", checkpoint " field("checkPoint")) }
    /"record":"signal"/ { row("signal" NR, "", "the failure event is signalled") }
    END { flush() }'
}
# shellcheck disable=SC2120  # one story has an option
run() { # run [OPTION...]: holdfast.exe run on $room/life.toml
  "$wine_run" "$room/bin/holdfast.exe" run --trace "Z:$trace" --control "$control" "$@" "Z:$room/life.toml" >>"$log" 2>&1 </dev/null &
  monitor=$!
}
# over CODE: the monitor has been told to end; what it ends with
over() {
  local rc=0
  within 30 'the end of holdfast.exe' eval "! kill -0 $monitor 2>/dev/null"
  wait "$monitor" || rc=$?
  monitor=
  [ "$rc" -eq "$1" ] || fail "holdfast.exe ended with $rc, not with $1"
  [ -z "$(pids '.exe')" ] || fail "processes are left: $(pids '.exe' | tr '\n' ' ')"
}

mkdir "$room/bin" "$room/agents"
chmod 700 "$room"
for file in bin/holdfast.exe bin/holdfast-host.exe bin/clusapi.dll bin/resutils.dll; do
  [ -e "$build/$file" ] || { echo "$build/$file is missing: build it first"; exit 1; }
  cp "$build/$file" "$room/bin/"
done
control="Z:$room/control"
: >"$log"
configuration() { # configuration NAME TYPE AGENT: the head of the file; what standard input has follows it
  cp "$build/$3" "$room/agents/"
  { printf '[monitor]\nstate = "state"\nrunDirectory = "rt"\n\n[[resource]]\nname = "%s"\ntype = "%s"\nagent = "agents/%s"\n' \
      "$1" "$2" "$(basename "$3")"; cat; } >"$room/life.toml"
}

sqlite() {
  command -v sqlite3 >/dev/null || fail 'the program sqlite3 is missing (package sqlite3)'
  # Only while no agent has it open: Wine's locks and Linux's do not know each other.
  query() { sqlite3 "$room/shop.db" "$1"; }
  query 'CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, amount INTEGER);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
    INSERT INTO orders SELECT i, "customer " || (i * 7919 % 50000), i % 100 FROM n;
    CREATE INDEX orders_by_customer ON orders(customer);
    CREATE TABLE orders2024 AS SELECT * FROM orders; CREATE INDEX by2024 ON orders2024(customer);
    CREATE TABLE orders2025 AS SELECT * FROM orders; CREATE INDEX by2025 ON orders2025(customer);'
  local before
  before=$(query 'SELECT count(*), sum(amount) FROM orders')
  configuration shop 'SQLite Database' examples/010-sqlite-database/sqlite_database.dll <<END
IsAlivePollInterval = 500
RestartDelay = 500

[resource.properties]
DatabasePath = 'Z:$room/shop.db'
BackupPath = 'Z:$room/shop.backup'
CheckQuery = "SELECT sum(amount) FROM orders"
IntegrityCheck = "integrity_check"
CheckInterval = "500 ms"
ThoroughCheckEvery = 1
END
  say 'online, through pending with checkpoints'
  run
  state shop OnlinePending
  expect 20 'a checkpoint' 'shop .*checked table'
  state shop Online
  within 15 'polls of IsAlive' eval "[ \"\$(calls shop | grep -c IsAlive)\" -ge 2 ]"
  ctl list
  say 'damage: 1 MB of random bytes over the pages of the file'
  dd if=/dev/urandom of="$room/shop.db" bs=4096 seek=20 count=256 conv=notrunc status=none
  expect 20 'the failed check' 'shop +error '
  state shop Terminating
  state shop Failed
  state shop OnlineCalled
  expect 20 'the restore' 'shop +warning .*restoring'
  state shop Online
  within 15 'a poll of IsAlive after the restore' called shop Terminate Online IsAlive
  [ -e "$room/shop.db.damaged" ] || fail 'the damaged file was not kept'
  say 'told to go offline, and online again'
  ctl offline --wait=30 shop
  local between
  between=$(query 'SELECT count(*), sum(amount) FROM orders')
  [ "$before" = "$between" ] || fail "the data differs: $before before, $between now"
  ctl online --wait=30 shop
  say 'told to end'
  ctl stop --wait=30
  over 0
  [ "$(query 'SELECT count(*), sum(amount) FROM orders')" = "$before" ] || fail 'the data differs at the end'
  [ "$(query 'PRAGMA integrity_check')" = ok ] || fail 'the database is damaged at the end'
  [ ! -s "$room/shop.db-wal" ] || fail 'the write-ahead log was left behind'
  was_called shop Startup Open Online IsAlive Terminate Online IsAlive Offline Online Offline Close
  life shop
}

service() {
  service=holdfast-life-${own##*.}
  cp "$build/examples/030-service/demo_service.exe" "$room/"
  "$wine_run" sc create "$service" binPath= "Z:$room/demo_service.exe --heartbeat Z:$room/heartbeat --start-delay 500" \
    </dev/null >/dev/null || fail 'the service could not be created'
  configuration demo Service examples/030-service/service.dll <<END
IsAlivePollInterval = "60 s"
LooksAlivePollInterval = "60 s"
RestartDelay = 300

[resource.properties]
ServiceName = "$service"
HeartbeatFile = 'Z:$room/heartbeat'
CheckInterval = "60 s"
END
  say 'the service is started by its resource'
  run
  state demo OnlinePending
  state demo Online
  local victim killed heard
  victim=$(pids demo_service.exe)
  [ "$(count "$victim")" -eq 1 ] || fail "one process of the service, not: $victim"
  say 'its process is killed; no poll and no check would find it within the minute'
  killed=$(date +%s%N)
  kill -KILL "$victim"
  within 10 'the failure' grep -q '"record":"signal"' "$trace"
  heard=$(date -d "$(grep '"record":"signal"' "$trace" | head -n 1 | sed 's/.*"time":"\([^"]*\)".*/\1/')" +%s%N)
  echo "    killed, and signalled as a failure $(((heard - killed) / 1000000)) ms later"
  [ $((heard - killed)) -lt 2000000000 ] || fail 'the failure was signalled late'
  state demo OnlineCalled
  state demo Online
  [ "$(count "$(pids demo_service.exe)")" -eq 1 ] || fail 'it does not run again, or twice'
  [ "$(pids demo_service.exe)" != "$victim" ] || fail 'it was not started anew'
  say 'told to end'
  ctl stop --wait=30
  over 0
  was_called demo Startup Open Online Terminate Online Offline Close
  life demo
}

classic() {
  configuration counter 'Classic Counter' bin/classic_dll.dll <<END
IsAlivePollInterval = 200
LooksAlivePollInterval = 100

[resource.properties]
Title = "by hand"
Steps = 3
END
  # What it counted since line $1 of the trace.
  counted() { tail -n "+$(($1 + 1))" "$trace" | grep -c '"record":"status","state":"OnlinePending"' || true; }
  say 'a resource DLL written without holdfast comes online, over the substitute libraries'
  run
  state counter OnlinePending
  state counter Online
  [ "$(counted 0)" -eq 3 ] || fail "it counted to $(counted 0), not to 3"
  within 10 'polls of IsAlive' eval "[ \"\$(calls counter | grep -c IsAlive)\" -ge 1 ]"
  say 'its properties are asked for, and one is set while it is online'
  ctl get counter
  ctl set counter Steps=5 Title=changed | tee "$room/answer"
  grep -q 5024 "$room/answer" || fail 'SET while online was not answered with 5024 (W-640)'
  ctl get counter >"$room/properties"
  grep -Eq 'Steps.*\b5\b' "$room/properties" || fail "Steps is not 5 but: $(cat "$room/properties")"
  if ctl set counter Steps=500; then fail 'a value against its limits was taken'; fi
  ctl offline --wait=30 counter
  local from
  from=$(wc -l <"$trace")
  ctl online --wait=30 counter
  [ "$(counted "$from")" -eq 5 ] || fail "after the change it counted to $(counted "$from"), not to 5"
  say 'told to end'
  ctl stop --wait=30
  over 0
  was_called counter Startup Open Online IsAlive ResourceControl Offline Online Offline Close
  life counter
}

application() {
  cp "$build/tests/integration/windows/process_program.exe" "$room/tree.exe"
  configuration tree Application examples/020-application/application.dll <<END
IsAlivePollInterval = "500 ms"
RestartDelay = 300

[resource.properties]
Program = 'Z:$room/tree.exe'
Arguments = ["family"]
WorkingDirectory = 'Z:$room'
END
  whole() { [ "$(count "$(pids tree.exe)")" -eq 4 ]; }   # itself, a child, a grandchild, and one that is detached
  new_one() {
    local pid
    whole || return 1
    for pid in $(pids tree.exe); do ! grep -qx "$pid" <<<"$old" || return 1; done
  }
  say 'a program and its tree, in a job object'
  run
  state tree Online
  within 10 'the whole tree' whole
  local old host
  old=$(pids tree.exe)
  echo "    the tree: $(echo "$old" | tr '\n' ' ')"
  say 'kill -9 of holdfast-host.exe'
  host=$(pids holdfast-host.exe)
  [ "$(count "$host")" -eq 1 ] || fail "one host, not: $host"
  kill -KILL "$host"
  state tree Online
  within 10 'the whole tree, and nothing of the old one' new_one
  sleep 1
  whole || fail "the tree runs more than once: $(pids tree.exe | tr '\n' ' ')"
  [ "$(count "$(pids holdfast-host.exe)")" -eq 1 ] || fail 'not one host'
  echo "    the tree: $(pids tree.exe | tr '\n' ' ')"
  was_called tree Startup Open Online Startup Open Online
  say 'kill -9 of holdfast.exe itself: the host says farewell (W-403)'
  local started=$SECONDS
  kill -KILL "$monitor"
  wait "$monitor" 2>/dev/null || true
  monitor=
  within 37 'the end of everything' eval "[ -z \"\$(pids .exe)\" ]"
  echo "    nothing is left after $((SECONDS - started)) s"
  life tree
}

debug() {
  configuration orders Hello examples/000-hello/hello.dll <<END
IsAlivePollInterval = 200
LooksAlivePollInterval = 100
DeadlockTimeout = 1000

[resource.properties]
File = 'Z:$room/hello.txt'
CheckInterval = "200 ms"
END
  say 'in process, and stopped for twice the deadlock time as by a breakpoint, three times'
  run --debug
  state orders Online
  local before stop
  for stop in 1 2 3; do
    before=$(calls orders | grep -c IsAlive || true)
    kill -STOP "$monitor"
    sleep 2
    kill -CONT "$monitor"
    within 10 "polls after stop $stop" eval "[ \"\$(calls orders | grep -c IsAlive)\" -gt $((before + 1)) ]"
  done
  [ -z "$(pids holdfast-host.exe)" ] || fail 'a host runs'
  if grep -E ' orders +(error|severe) | -> (Failed|Dead|Terminating)' "$log"; then fail 'it was punished for the stop'; fi
  ctl list
  say 'told to end'
  ctl stop --wait=30
  over 0
  was_called orders Startup Open Online IsAlive Offline Close
  if was_terminated; then fail 'Terminate was called'; fi
  life orders
}
was_terminated() { called orders Terminate; }

"$story"
say "All of it was seen. Took $SECONDS s."
