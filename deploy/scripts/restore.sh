#!/usr/bin/env bash
# Restores a dump of backup.sh into an empty database, and counts what came.
#   DATABASE_URL=postgresql://... BACKUP_IDENTITY=key.txt restore.sh FILE
#   FILE              inference-*.dump.age or .gpg, with FILE.sha256 beside it
#   BACKUP_IDENTITY   the file with the private key; without it gpg takes that from its key ring
# Refuses a database that has tables: restore beside the old one, look, and then point the services there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"
. "$here/encryption.sh"

case "${1:-}" in -h | --help) usage "$0" 0 ;; esac
[ $# -eq 1 ] || usage "$0"
file=$1
: "${DATABASE_URL:?is not set: give the address of an empty database}"
[ -f "$file" ] || fail "there is no file '$file'"
case "$file" in
  *.age) BACKUP_TOOL=age ;;
  *.gpg) BACKUP_TOOL=gpg ;;
  *) fail "'$file' ends neither in .age nor in .gpg" ;;
esac
need pg_restore psql
choose_encryption

ask() { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --dbname="$DATABASE_URL" --command="$1"; }

if [ -f "$file.sha256" ]; then
  (cd "$(dirname "$file")" && checksum --check --status "$(basename "$file").sha256") || fail "'$file' is not what was written: its checksum differs"
else
  say "there is no $file.sha256: the file is not compared with what was written"
fi
tables=$(ask "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
[ "$tables" = 0 ] || fail "the database has $tables tables: restore into an empty one (CREATE DATABASE ...)"

# Both tools hand out text before they know that nobody changed it, and what was restored until then would stay.
decrypt "$file" >/dev/null || fail "'$file' can't be decrypted, or was changed: see above. Nothing was restored"

say "restoring $file"
# One transaction: what fails halfway leaves the database empty, as it was.
decrypt "$file" | pg_restore --single-transaction --exit-on-error --no-owner --no-privileges --dbname="$DATABASE_URL"
ask "ANALYZE"
say "restored:"
# The true counts, table by table, for a look against what was there.
ask "SELECT format('SELECT %L, count(*) FROM %I', table_name, table_name) FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1" |
  while read -r count; do printf '   %s rows\n' "$(ask "$count" | tr '|' ' ')"; done
