#!/usr/bin/env bash
# Rehearses the loss of the database on this machine, with a Postgres of its own, and writes how much was lost and how long it took.
#   drill.sh [REPORT.md]
#   REPORT.md      default: drill-DATE.md in the present folder
#   DRILL_ROWS     jobs in the database before the backup (20000)
#   DRILL_RPO, DRILL_RTO   seconds that may be lost, and that it may take (3600 each)
# Fills a database, backs it up by backup.sh, goes on writing, kills Postgres with SIGKILL and removes its files, restores by
# restore.sh into a new server, and compares what came back with what had been written. Touches no cluster and no other database. Needs
# Postgres and gpg; as root it runs Postgres as the user 'postgres'.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"
. "$here/server.sh"

case "${1:-}" in -h | --help) usage "$0" 0 ;; esac
[ $# -le 1 ] || usage "$0"
report=${1:-drill-$(date -u +%Y%m%d).md}
: "${DRILL_ROWS:=20000}" "${DRILL_RPO:=3600}" "${DRILL_RTO:=3600}"
need gpg psql pg_dump pg_restore
find_server

folder=$(mktemp -d)
export GNUPGHOME=$folder/gpg PGUSER=drill PGPASSWORD=drill BACKUP_TOOL=gpg BACKUP_RECIPIENT=drill@example.com
finish() {
  stop_server "$folder"
  gpgconf --kill all 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
mkdir -m 700 "$GNUPGHOME"
chmod 711 "$folder"

port=$((20000 + RANDOM % 20000))
url=postgresql://drill@127.0.0.1:$port/inference
# In nanoseconds, where the system's date counts them.
now() { date +%s%N | sed 's/N$/000000000/'; }
sql() { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --dbname="$url" --command="$1"; }

say "starting Postgres $("$bin/postgres" --version | awk '{ print $3 }') at port $port"
start_server "$folder" "$port"
gpg --batch --quiet --passphrase '' --quick-generate-key "$BACKUP_RECIPIENT" rsa2048 encr 1d 2>/dev/null
sql "CREATE TABLE jobs (id bigint PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT clock_timestamp(), payload text NOT NULL)"
sql "INSERT INTO jobs SELECT i, clock_timestamp(), md5(i::text) FROM generate_series(1, $DRILL_ROWS) i"

say "backing up $DRILL_ROWS jobs"
before=$(sql "SELECT md5(string_agg(id || payload, ',' ORDER BY id)) FROM jobs")
backed_up=$(now)
DATABASE_URL=$url bash "$here/backup.sh" "$folder/backups" >/dev/null

# What a platform would accept until it is lost.
last=$DRILL_ROWS
for _ in 1 2 3 4 5 6 7 8 9 10; do
  sql "INSERT INTO jobs SELECT i, clock_timestamp(), md5(i::text) FROM generate_series($last + 1, $last + 100) i"
  last=$((last + 100))
done

say "killing Postgres and removing its files"
lost=$(now)
as_owner kill -KILL "$(head -n 1 "$folder/data/postmaster.pid")"
rm -rf "$folder/data"
if sql "SELECT 1" >/dev/null 2>&1; then fail "Postgres still answers: nothing was rehearsed"; fi

say "restoring"
start_server "$folder" "$port"
dump=$(find "$folder/backups" -name 'inference-*.dump.gpg')
DATABASE_URL=$url bash "$here/restore.sh" "$dump" >/dev/null
restored=$(now)
rows=$(sql "SELECT count(*) FROM jobs")
after=$(sql "SELECT md5(string_agg(id || payload, ',' ORDER BY id)) FROM jobs WHERE id <= $DRILL_ROWS")
sql "INSERT INTO jobs (id, payload) VALUES ($last + 1, 'accepted again')"

seconds() { awk -v from="$1" -v to="$2" 'BEGIN { printf "%.1f", (to - from) / 1e9 }'; }
rpo=$(seconds "$backed_up" "$lost") rto=$(seconds "$lost" "$restored")
result=passed
[ "$before" = "$after" ] || result="failed: what was backed up came back different"
[ "$rows" -eq "$DRILL_ROWS" ] || result="failed: $rows rows came back of $DRILL_ROWS in the backup"
awk -v a="$rpo" -v b="$DRILL_RPO" -v c="$rto" -v d="$DRILL_RTO" 'BEGIN { exit !(a <= b && c <= d) }' ||
  result="failed: more was lost, or it took longer, than is allowed"

cat >"$report" <<END
# Recovery drill of $(date -u +%Y-%m-%d)

Result: $result

| what | |
|---|---|
| machine | $(uname -sm), $(getconf _NPROCESSORS_ONLN) processors |
| Postgres | $("$bin/postgres" --version | awk '{ print $3 }') |
| rows in the backup | $DRILL_ROWS, back: $rows |
| rows accepted after it, and lost | $((last - DRILL_ROWS)) |
| RPO: from the backup to the loss | $rpo s of $DRILL_RPO s |
| RTO: from the loss to the first accepted row | $rto s of $DRILL_RTO s |

The RPO of an installation is the time between its backups: the drill shows that no more than that is lost.
END
say "$result; RPO $rpo s, RTO $rto s: $report"
[ "$result" = passed ]
