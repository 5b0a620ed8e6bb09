#!/usr/bin/env bash
# Prepares the database as it was at a moment: a base backup, and the log that was archived since, to be replayed until then.
#   recover.sh BASE ARCHIVE TIME DATA
#     recover.sh base archive '2026-01-31 09:59:59+00' recovered
#   BASE      a directory that pg_basebackup wrote before TIME
#   ARCHIVE   the directory with the log, as archive_command copied it
#   TIME      the last moment to keep, with its time zone: a second before the mistake
#   DATA      the directory to make. A Postgres of the same version that is started with it replays the log, which is one
#             line of its own log for each file, and then takes writes. It ends with an error where the log ends before TIME
# A Postgres that can be recovered runs with
#   archive_mode=on, archive_timeout=60, archive_command='test ! -f ARCHIVE/%f && cp %p ARCHIVE/%f.partial && mv ARCHIVE/%f.partial ARCHIVE/%f'
# and gets a base backup each night: pg_basebackup --dbname=postgresql://... --pgdata=BASE --checkpoint=fast
# Nothing of the old server is touched: look at the new one, and then point the services there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"

case "${1:-}" in -h | --help) usage "$0" 0 ;; esac
[ $# -eq 4 ] || usage "$0"
base=$1 archive=$2 time=$3 data=$4
[ -f "$base/backup_label" ] || fail "'$base' is no base backup: pg_basebackup writes one"
[ -d "$archive" ] || fail "there is no directory '$archive'"
[ ! -e "$data" ] || fail "'$data' is there already: name a directory that is not"
[[ $time =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}\ [0-9:.]+(Z|[+-][0-9]{2}(:?[0-9]{2})?)$ ]] ||
  fail "'$time' is no moment such as '2026-01-31 09:59:59+00', with its time zone"
archive=$(cd "$archive" && pwd)
case "$archive" in *[\'\"%\\]*) fail "'$archive' has a character that restore_command can't take" ;; esac

cp -a "$base" "$data"
chmod 700 "$data"
cat >>"$data/postgresql.auto.conf" <<END
restore_command = 'cp "$archive/%f" "%p"'
recovery_target_time = '$time'
recovery_target_action = 'promote'
archive_mode = off
END
touch "$data/recovery.signal"
say "start Postgres with $data: it replays the log until $time"
