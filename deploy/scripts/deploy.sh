#!/usr/bin/env bash
# Installs or upgrades the platform by its Helm chart, waits until all is ready, checks it, and rolls back if that fails.
#   deploy.sh ENVIRONMENT [HELM ARGUMENT...]
#     deploy.sh production -f images.yaml -f secrets.yaml
#   ENVIRONMENT   production, staging or development: which values file of deploy/helm; arguments of helm come after it and win
#   NAMESPACE, RELEASE (inference-template), TIMEOUT (10m), SMOKE_URL and SMOKE_KEY (see smoke.sh) are read from the environment.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"

[ $# -ge 1 ] || usage "$0"
environment=$1
shift
case "$environment" in
  -h | --help) usage "$0" 0 ;;
esac
chart=$here/../helm
[ -f "$chart/Chart.yaml" ] || fail "there is no chart in deploy/helm: 'scripts/chart.sh' writes it"
values=$chart/values.$environment.yaml
[ -f "$values" ] || fail "there are no values for '$environment': deploy/helm has no values.$environment.yaml"
need helm kubectl

before=$(helm history "$RELEASE" --namespace "$NAMESPACE" --max 1 -o json 2>/dev/null | sed -n 's/.*"revision":\([0-9]*\).*/\1/p' || true)
say "deploying $environment as '$RELEASE' into namespace '$NAMESPACE' (now at revision ${before:-none})"
# --atomic takes an upgrade back that does not become ready in time.
helm upgrade "$RELEASE" "$chart" -f "$values" --install --namespace "$NAMESPACE" --create-namespace --atomic --wait --timeout "$TIMEOUT" \
  --history-max 20 "$@"

if [ -n "${SMOKE_URL:-}" ]; then
  if ! bash "$here/smoke.sh"; then
    if [ -z "$before" ]; then fail "the first deployment does not answer as it should; it was left as it is for a look"; fi
    say "taking it back to revision $before"
    helm rollback "$RELEASE" "$before" --namespace "$NAMESPACE" --wait --timeout "$TIMEOUT"
    fail "the deployment was rolled back: it did not answer as it should"
  fi
else
  say "SMOKE_URL is not set: the deployment was not called from outside"
fi
say "deployed"
