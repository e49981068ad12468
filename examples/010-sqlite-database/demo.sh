#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# Runs the SQLite agent under the Resource Monitor, damages its database and shows the recovery. Every step is checked.
#   examples/010-sqlite-database/demo.sh BUILD_DIR
# Needs the program sqlite3. Exit status: 0 all steps were seen; 1 one was not.
set -euo pipefail
build=$(realpath "${1:?usage: demo.sh BUILD_DIR}")
room=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-demo.XXXXXX")
log=$room/monitor.log
monitor=
shown=0

finish() {
  local rc=$?
  if [ -n "$monitor" ] && kill -0 "$monitor" 2>/dev/null; then
    kill -KILL "$monitor" 2>/dev/null || true
  fi
  if [ "$rc" -eq 0 ]; then rm -rf "$room"; else echo "The files of this run are in $room"; fi
  exit "$rc"
}
trap finish EXIT

say() { printf '\n==> %s\n' "$*"; }
show() { # show: what the monitor wrote since the last time
  local lines
  lines=$(wc -l <"$log")
  [ "$lines" -le "$shown" ] || sed -n "$((shown + 1)),${lines}s/^/    /p" "$log"
  shown=$lines
}
fail() {
  show
  printf '\nFAILED: %s\n' "$*"
  exit 1
}
# expect SECONDS WHAT REGEX: waits until a line that was not shown yet matches
expect() {
  local tries=$(($1 * 20))
  until tail -n "+$((shown + 1))" "$log" | grep -Eq -- "$3"; do
    [ $((tries--)) -gt 0 ] || fail "no '$2' within $1 s (looked for: $3)"
    kill -0 "$monitor" 2>/dev/null || fail "the monitor ended before '$2'"
    sleep 0.05
  done
}
state() { expect "$1" "$2" "^[0-9:.]+ +shop +state +.*-> $2\b"; }   # state SECONDS STATE
query() { sqlite3 -cmd '.timeout 2000' "$room/shop.db" "$1"; }

command -v sqlite3 >/dev/null || { echo "demo.sh needs the program sqlite3 (package sqlite3)"; exit 1; }
program=$build/bin/holdfast
agent=$build/examples/010-sqlite-database/sqlite_database.so
for file in "$program" "$agent"; do
  [ -e "$file" ] || { echo "$file is missing: build it first (./dev demo does)"; exit 1; }
done

say "A shop's database: 400,000 orders in 4 tables"
sqlite3 "$room/shop.db" <<'END'
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, amount INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
  INSERT INTO orders SELECT i, 'customer ' || (i * 7919 % 100000), i % 100 FROM n;
CREATE INDEX orders_by_customer ON orders(customer);
CREATE TABLE orders2023 AS SELECT * FROM orders; CREATE INDEX by2023 ON orders2023(customer);
CREATE TABLE orders2024 AS SELECT * FROM orders; CREATE INDEX by2024 ON orders2024(customer);
CREATE TABLE orders2025 AS SELECT * FROM orders; CREATE INDEX by2025 ON orders2025(customer);
END
before=$(query 'SELECT count(*), sum(amount) FROM orders')
cat >"$room/shop.toml" <<END
[[resource]]
name = "shop"
type = "SQLite Database"
agent = "$agent"
IsAlivePollInterval = 1000
RestartThreshold = 3
RestartDelay = 500

[resource.properties]
DatabasePath = "$room/shop.db"
BackupPath = "$room/shop.backup"
CheckQuery = "SELECT sum(amount) FROM orders"
IntegrityCheck = "integrity_check"
CheckInterval = "500 ms"
ThoroughCheckEvery = 1
END
sed 's/^/    /' "$room/shop.toml"

: >"$log"
# What an earlier demo has left, and was killed before its end, is nothing to this one.
unset STATE_DIRECTORY
export XDG_STATE_HOME=$room/state
say "holdfast run shop.toml: online, through pending with checkpoints"
"$program" run --trace "$room/trace.jsonl" "$room/shop.toml" >"$log" 2>&1 &
monitor=$!
state 10 OnlinePending
expect 20 "a checkpoint of online()" 'checked table'
state 20 'Online$'
show

say "Polls: the monitor asks IsAlive each second, the agent writes, reads back and queries twice a second"
sleep 2.5
beat=$(query 'SELECT beat FROM holdfast_heartbeat')
echo "    the heartbeat in the database says $beat"
[ "$beat" -ge 2 ] || fail "the heartbeat does not beat"
calls() { grep -c '"IsAlive"' "$room/trace.jsonl" || true; }
[ "$(calls)" -ge 2 ] || fail "IsAlive was not called"
show

say "Real damage: 2 MB of random bytes over the pages of the file"
dd if=/dev/urandom of="$room/shop.db" bs=4096 seek=20 count=512 conv=notrunc status=none
if query 'SELECT sum(amount) FROM orders' >/dev/null 2>&1; then fail "the database is not damaged"; fi
echo "    sqlite3 says: $(query 'SELECT sum(amount) FROM orders' 2>&1 | head -n 1)"
expect 10 "the failed check" 'shop +error '
state 10 Terminating
state 10 Failed
state 10 OnlineCalled
expect 20 "the restore" 'shop +warning .*restoring'
state 20 'Online$'
show

say "The data is back"
after=$(query 'SELECT count(*), sum(amount) FROM orders')
echo "    orders and their sum before: $before"
echo "    orders and their sum now:    $after"
[ "$before" = "$after" ] || fail "the data differs"
[ "$(query 'PRAGMA integrity_check')" = ok ] || fail "the restored database is damaged"
[ -e "$room/shop.db.damaged" ] || fail "the damaged file was not kept"
echo "    the damaged file is kept as shop.db.damaged"
sleep 1.2

say "SIGTERM: offline"
kill -TERM "$monitor"
rc=0
wait "$monitor" || rc=$?
expect_end=$(tail -n "+$((shown + 1))" "$log")
grep -Eq 'shop +state +.*-> (Opened|Closed)' <<<"$expect_end" || fail "the resource did not go offline"
[ "$rc" -eq 0 ] || fail "the monitor ended with $rc"
for entry in Open Online IsAlive Terminate Offline Close; do
  grep -Eq "^$entry +[1-9]" <<<"$expect_end" || fail "no calls of $entry in the table"
done
show
[ ! -e "$room/shop.db-wal" ] || [ ! -s "$room/shop.db-wal" ] || fail "the write-ahead log was left behind"

say "Seen: online, checked, damaged, failed, terminated, restored, online, offline. Took $SECONDS s."
