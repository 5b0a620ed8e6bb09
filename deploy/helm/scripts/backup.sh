#!/usr/bin/env bash
# Writes an encrypted dump of the database, checks that it can be read, and removes those that are too old.
#   DATABASE_URL=postgresql://... BACKUP_RECIPIENT=age1... backup.sh DIRECTORY
#   DATABASE_URL       what pg_dump takes; a password may also stand in PGPASSWORD or in ~/.pgpass
#   BACKUP_RECIPIENT   an age recipient (age1..., ssh-...), for gpg the id of a public key in the key ring, or a file with public keys
#   BACKUP_TOOL        age or gpg (age where it is installed)
#   BACKUP_DAYS        how long dumps are kept (30)
# Everything that must not be lost is in Postgres: keys, jobs, records, settings and, by default, the models. The dump is
# encrypted before it touches the disk; the private key has no business on this machine.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"
. "$here/encryption.sh"

case "${1:-}" in -h | --help) usage "$0" 0 ;; esac
[ $# -eq 1 ] || usage "$0"
directory=$1
: "${DATABASE_URL:?is not set: give the address of the database}"
: "${BACKUP_RECIPIENT:?is not set: a dump is never written without encryption}"
: "${BACKUP_DAYS:=30}"
case "$BACKUP_DAYS" in *[!0-9]* | '') fail "BACKUP_DAYS is '$BACKUP_DAYS', which is no number of days" ;; esac
need pg_dump
choose_encryption
mkdir -p "$directory"
umask 077

# First, so that a full disk gets room: what a killed run left, and dumps that are too old; only what this script wrote, and never the newest.
newest=none
for file in "$directory"/inference-*.dump.*; do
  case "$file" in *.sha256) ;; *) newest=${file##*/} ;; esac
done
rm -f "$directory"/.inference-*.partial
find "$directory" -maxdepth 1 -type f -name 'inference-*.dump.*' ! -name "$newest*" -mtime "+$((BACKUP_DAYS - 1))" -print -delete |
  while read -r old; do say "removed $old, older than $BACKUP_DAYS days"; done

name=inference-$(date -u +%Y%m%dT%H%M%SZ).dump.$BACKUP_TOOL
partial=$directory/.$name.partial
sums=.$name.sha256.partial
trap 'rm -f "$partial" "$directory/$sums"' EXIT
say "dumping to $directory/$name"
# Custom format: compressed, and restorable table by table. pipefail makes a dump that broke off an error.
pg_dump --format=custom --no-owner --no-privileges --dbname="$DATABASE_URL" | encrypt >"$partial"
[ -s "$partial" ] || fail "the dump is empty"
# A dump is there with its checksum, or not at all.
(
  cd "$directory"
  checksum ".$name.partial" | sed "s/  \.$name\.partial/  $name/" >"$sums"
  mv "$sums" "$name.sha256"
  mv ".$name.partial" "$name"
)

say "done: $(du -h "$directory/$name" | cut -f1), $(find "$directory" -maxdepth 1 -name 'inference-*.dump.*' ! -name '*.sha256' | wc -l) dumps kept"
