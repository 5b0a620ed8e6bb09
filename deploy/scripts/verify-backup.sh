#!/usr/bin/env bash
# Proves that the newest dump can be restored: restores it into a scratch database and drops that again.
#   BACKUP_IDENTITY=key.txt verify-backup.sh DIRECTORY
#   DATABASE_URL    the server of the scratch database, as postgresql://.../inference, whose user may create databases; without it a
#                   Postgres of its own is started on this machine, in TMPDIR
#   MAX_AGE_HOURS   how old the newest dump may be (25)
# For a weekly job.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"
. "$here/server.sh"

case "${1:-}" in -h | --help) usage "$0" 0 ;; esac
[ $# -eq 1 ] || usage "$0"
: "${MAX_AGE_HOURS:=25}"
need psql
newest=$(find "$1" -maxdepth 1 -type f -name 'inference-*.dump.*' ! -name '*.sha256' | sort | tail -n 1)
[ -n "$newest" ] || fail "there is no dump in $1"
[ -n "$(find "$newest" -mmin "-$((MAX_AGE_HOURS * 60))")" ] || fail "the newest dump, $newest, is older than $MAX_AGE_HOURS hours: backups have stopped"

if [ -z "${DATABASE_URL:-}" ]; then
  find_server
  folder=$(mktemp -d)
  chmod 711 "$folder"
  trap 'stop_server "$folder"; rm -rf "$folder"' EXIT
  printf -v PGPASSWORD '%s' "$RANDOM$RANDOM$RANDOM"
  export PGUSER=verify PGPASSWORD
  port=$((20000 + RANDOM % 20000))
  say "starting a Postgres of its own at port $port"
  start_server "$folder" "$port"
  DATABASE_URL=postgresql://$PGUSER@127.0.0.1:$port/inference bash "$here/restore.sh" "$newest"
  say "$newest can be restored"
  exit
fi

scratch=inference_verify_$$
# A URL with another database: what stands between the last slash and the question mark.
scratch_url=$(printf '%s' "$DATABASE_URL" | sed -E "s#^(postgres(ql)?://[^/]*/)[^?]*#\\1$scratch#")
[ "$scratch_url" != "$DATABASE_URL" ] || fail "DATABASE_URL must have the form postgresql://user@host:port/database"
psql --no-psqlrc --quiet --dbname="$DATABASE_URL" --command="CREATE DATABASE $scratch"
trap 'psql --no-psqlrc --quiet --dbname="$DATABASE_URL" --command="DROP DATABASE IF EXISTS $scratch WITH (FORCE)"' EXIT
DATABASE_URL=$scratch_url bash "$here/restore.sh" "$newest"
say "$newest can be restored"
