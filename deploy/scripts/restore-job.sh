#!/usr/bin/env bash
# Writes a Job that restores one of the dumps that the chart's schedule left on the claim backup-data. It is made of the CronJob 'backup',
# which has the image, the scripts and the connection:
#   kubectl get cronjob/backup -o json | restore-job.sh DUMP [DATABASE] | kubectl create -f -
#   DUMP       the name of a dump, such as inference-20260131T011700Z.dump.gpg, or 'list': the Job then lists those that are there
#   DATABASE   into which it is restored (restored): make it before, empty; CREATE DATABASE restored
# The private key is the entry identity.asc of the Secret backup-identity. Needs jq. Look at it by: kubectl logs job/restore --follow
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"

case "${1:-}" in -h | --help) usage "$0" 0 ;; esac
{ [ $# -ge 1 ] && [ $# -le 2 ]; } || usage "$0"
dump=$1 database=${2:-restored}
[ "$dump" = list ] || [[ $dump =~ ^inference-[0-9]{8}T[0-9]{6}Z\.dump\.gpg$ ]] ||
  fail "'$dump' is no name of a dump, such as inference-20260131T011700Z.dump.gpg: 'list' shows those that are there"
[[ $database =~ ^[a-z_][a-z0-9_]{0,62}$ ]] || fail "'$database' is no name of a database: small letters, digits and _"
need jq

# The address of the schedule, with another database: what stands between the last slash and the question mark.
# shellcheck disable=SC2016 # The pod's shell expands it.
restore='export DATABASE_URL=$(printf %s "$DATABASE_URL" | sed -E "s#^(postgresql://[^/]*/)[^?]*#\1$1#"); exec bash /scripts/restore.sh "/backups/$2"'
jq --arg dump "$dump" --arg database "$database" --arg restore "$restore" '
  .spec.jobTemplate.spec as $job
  | { apiVersion: "batch/v1", kind: "Job", metadata: { name: "restore", labels: .metadata.labels }, spec: $job }
  | .spec.backoffLimit = 0
  | if $dump == "list" then .spec.template.spec.containers[0].command = ["ls", "-l", "/backups"]
    else .spec.template.spec |= (
      .containers[0] |= (.command = ["bash", "-c", $restore, "restore", $database, $dump]
        | .env += [{ name: "BACKUP_IDENTITY", value: "/identity/identity.asc" }]
        | .volumeMounts += [{ name: "identity", mountPath: "/identity", readOnly: true }])
      | .volumes += [{ name: "identity", secret: { secretName: "backup-identity", defaultMode: 288 } }])
    end'
