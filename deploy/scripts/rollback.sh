#!/usr/bin/env bash
# Takes the release back, to the revision before the current one or to the one named, and checks it.
#   rollback.sh [REVISION]
#   NAMESPACE, RELEASE (inference-template), TIMEOUT (10m), SMOKE_URL and SMOKE_KEY are read from the environment.
# Migrations only ever expand the schema, so the database stays as it is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"

case "${1:-}" in
  -h | --help) usage "$0" 0 ;;
  '' | [1-9]*) ;;
  *) usage "$0" ;;
esac
need helm
revision=${1:-0} # 0 is Helm's word for the one before
say "rolling '$RELEASE' in namespace '$NAMESPACE' back to ${1:-the revision before}"
helm rollback "$RELEASE" "$revision" --namespace "$NAMESPACE" --wait --timeout "$TIMEOUT"
if [ -n "${SMOKE_URL:-}" ]; then bash "$here/smoke.sh"; else say "SMOKE_URL is not set: the release was not called from outside"; fi
say "rolled back"
