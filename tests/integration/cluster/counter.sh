#!/bin/bash
# SPDX-License-Identifier: BSL-1.0
# A client that counts in a PostgreSQL database, one transaction per number, wherever in the cluster the database is.
#   counter.sh FILE   writes each number that the server has acknowledged to FILE, until FILE.stop exists or FILE is gone
# When it has to connect again it asks for the last number that is there. A number less than what was acknowledged is data
# lost: it says so in FILE.lost and ends.
set -u -o pipefail
trap '' PIPE
exec 2>/dev/null # a server that is gone is what this is for
acknowledged=$1
hosts=10.213.77.1,10.213.77.2,10.213.77.3
last=0 number=0 from='' to=''

connect() {
  [ -z "${SQL_PID:-}" ] || kill -KILL "$SQL_PID" 2>/dev/null
  [ -z "$to" ] || exec {to}>&- {from}<&-
  wait 2>/dev/null
  coproc SQL { exec psql -XqAt -v ON_ERROR_STOP=1 \
    "host=$hosts user=postgres dbname=postgres connect_timeout=2 target_session_attrs=read-write" 2>>"$acknowledged.errors"; }
  exec {to}>&"${SQL[1]}" {from}<&"${SQL[0]}"
}
ask() { # ask STATEMENT: the answer is in $answer
  printf '%s;\n' "$1" >&"$to" && IFS= read -r -t 5 answer <&"$from"
}

: >"$acknowledged"
until [ -e "$acknowledged.stop" ] || [ ! -e "$acknowledged" ]; do
  if [ "$number" = 0 ]; then
    connect 2>/dev/null
    if ! ask 'SELECT coalesce(max(n), 0) FROM counter'; then
      sleep 0.1
      continue
    fi
    if [ "$answer" -lt "$last" ]; then
      echo "$last was acknowledged, $answer is the last one there" >"$acknowledged.lost"
      exit 1
    fi
    number=$((answer + 1))
  fi
  if ask "INSERT INTO counter VALUES ($number) RETURNING n" && [ "$answer" = "$number" ]; then
    last=$number
    echo "$last" >>"$acknowledged"
    number=$((number + 1))
    read -r -t 0.01 -u "$from" answer # leaves the processor to others
  else
    number=0
  fi
done
