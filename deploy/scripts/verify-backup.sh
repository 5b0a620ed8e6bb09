#!/usr/bin/env bash
# Proves that the newest dump can be restored: restores it into a scratch database beside the real one and drops that again.
#   DATABASE_URL=postgresql://.../inference BACKUP_IDENTITY=key.txt verify-backup.sh DIRECTORY
#   MAX_AGE_HOURS   how old the newest dump may be (25)
# The user of DATABASE_URL must be allowed to create databases. For a weekly job.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"

case "${1:-}" in -h | --help) usage "$0" 0 ;; esac
[ $# -eq 1 ] || usage "$0"
: "${DATABASE_URL:?is not set}"
: "${MAX_AGE_HOURS:=25}"
need psql
newest=$(find "$1" -maxdepth 1 -type f -name 'inference-*.dump.*' ! -name '*.sha256' | sort | tail -n 1)
[ -n "$newest" ] || fail "there is no dump in $1"
[ -n "$(find "$newest" -mmin "-$((MAX_AGE_HOURS * 60))")" ] || fail "the newest dump, $newest, is older than $MAX_AGE_HOURS hours: backups have stopped"

scratch=inference_verify_$$
# A URL with another database: what stands between the last slash and the question mark.
scratch_url=$(printf '%s' "$DATABASE_URL" | sed -E "s#^(postgres(ql)?://[^/]*/)[^?]*#\\1$scratch#")
[ "$scratch_url" != "$DATABASE_URL" ] || fail "DATABASE_URL must have the form postgresql://user@host:port/database"
psql --no-psqlrc --quiet --dbname="$DATABASE_URL" --command="CREATE DATABASE $scratch"
trap 'psql --no-psqlrc --quiet --dbname="$DATABASE_URL" --command="DROP DATABASE IF EXISTS $scratch WITH (FORCE)"' EXIT
DATABASE_URL=$scratch_url "$here/restore.sh" "$newest"
say "$newest can be restored"
