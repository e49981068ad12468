# shellcheck shell=bash
# SPDX-License-Identifier: BSL-1.0
# The database on the shared storage, and whether it keeps what it acknowledged; sourced by run.sh.
# shellcheck disable=SC2154  # run.sh and `use` set what is read here

as_postgres() { on switch runuser -u postgres -- "$@"; }
bin_directory() { dirname "$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | tail -n 1)"; }
make_database() { # once per room
  ! on switch test -e "$data/PG_VERSION" || return 0
  [ -x "$(bin_directory)/initdb" ] || missing "there is no PostgreSQL server (Debian: postgresql-15)"
  on switch install -d -o postgres -g postgres -m 700 "$data"
  as_postgres "$(bin_directory)/initdb" -A trust -D "$data" >"$ROOM_DIRECTORY/initdb.log" 2>&1 || fail "initdb"
  on switch sh -c "cat >>'$data/postgresql.conf'" <<END
listen_addresses = '*'
unix_socket_directories = '/run/postgresql'
shared_buffers = 16MB
min_wal_size = 32MB
max_wal_size = 64MB
tcp_keepalives_idle = 5
END
  on switch sh -c "echo 'host all all 10.213.77.0/24 trust' >>'$data/pg_hba.conf'"
  echo 'CREATE TABLE counter (n bigint PRIMARY KEY)' | as_postgres "$(bin_directory)/postgres" --single -D "$data" postgres \
    >>"$ROOM_DIRECTORY/initdb.log" 2>&1 || fail "cannot make the table"
}
sql() { # sql NODE STATEMENT
  on "$1" timeout 10 psql -XqAt -U postgres -h /run/postgresql -d postgres -c "$2" 2>/dev/null
}

count_on() { # a client begins to count
  count_file=$ROOM_DIRECTORY/acknowledged
  rm -f "$count_file"*
  on switch "$here/counter.sh" "$count_file" </dev/null >/dev/null 2>&1 &
  counter=$!
  within 10 "the client counts" counted_beyond 3
}
counted() { tail -n 1 "$count_file" 2>/dev/null | grep . || echo 0; }
counted_beyond() { [ "$(counted)" -gt "$1" ]; }
counts_again() { within "$1" "the client goes on counting" counted_beyond "$(counted)"; }
count_off() { # the client stops; what it was told is what is there
  local node there acknowledged
  counts_again 20
  touch "$count_file.stop"
  wait "$counter"
  [ ! -e "$count_file.lost" ] || fail "data is lost: $(cat "$count_file.lost")"
  node=$(where database)
  there=$(sql "$node" "SELECT count(*), min(n), max(n) FROM counter")
  acknowledged=$(counted)
  # Increasing without a gap from 1 on; beyond what was acknowledged there is at most the one that was under way.
  [[ $there =~ ^([0-9]+)\|1\|([0-9]+)$ && ${BASH_REMATCH[1]} = "${BASH_REMATCH[2]}" ]] ||
    fail "the sequence has a gap: count|min|max is $there"
  [[ ${BASH_REMATCH[2]} -ge $acknowledged && ${BASH_REMATCH[2]} -le $((acknowledged + 1)) ]] ||
    fail "acknowledged up to $acknowledged, there up to ${BASH_REMATCH[2]}"
  sort -n -c -u "$count_file" || fail "the acknowledged numbers do not increase"
  note "sequence: $acknowledged numbers acknowledged in this scenario and before, all there"
}
