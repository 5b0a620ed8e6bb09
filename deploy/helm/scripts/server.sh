# Sourced by drill.sh and verify-backup.sh: a Postgres of one's own on this machine, with a user and password from PGUSER and PGPASSWORD
# and the database 'inference'. As root it runs as the user 'postgres'.
# shellcheck shell=bash

# The newest that the machine has; Debian puts servers where PATH does not lead.
find_server() {
  local newest
  newest=$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
  newest=${newest:-$(command -v initdb)} || fail "'initdb' is missing: install Postgres and try again"
  bin=$(dirname "$newest")
  owner=$(id -un)
  if [ "$(id -u)" -eq 0 ]; then owner=postgres; fi
}

as_owner() { if [ "$(id -un)" = "$owner" ]; then "$@"; else runuser -u "$owner" -- "$@"; fi; }

# start_server FOLDER PORT: makes its files in FOLDER/data.
start_server() {
  install -d -m 700 -o "$owner" "$1/data"
  (umask 077 && echo "$PGPASSWORD" >"$1/password" && chown "$owner" "$1/password")
  as_owner "$bin/initdb" --pgdata="$1/data" --username="$PGUSER" --pwfile="$1/password" --auth=scram-sha-256 >/dev/null
  as_owner "$bin/pg_ctl" --pgdata="$1/data" --wait --silent --log="$1/data/log" \
    --options="-p $2 -c listen_addresses=127.0.0.1 -c unix_socket_directories=" start
  psql --no-psqlrc --quiet --dbname="postgresql://$PGUSER@127.0.0.1:$2/postgres" --command="CREATE DATABASE inference"
}

stop_server() {
  if [ -s "$1/data/postmaster.pid" ]; then as_owner "$bin/pg_ctl" --pgdata="$1/data" --mode=immediate --silent stop || true; fi
}
