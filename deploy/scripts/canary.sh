#!/usr/bin/env bash
# Rolls a new image of one service out behind a gate: a few pods first, watched by their metrics, then all, or none.
#   canary.sh SERVICE IMAGE
#     canary.sh api example.com/inference/api@sha256:...
#   PROMETHEUS_URL      required; its series of the canary are told apart by the label pod
#   CANARY_REPLICAS     pods of the canary (1)
#   CANARY_CHECKS       looks at the metrics that must all be good (10)
#   CANARY_INTERVAL     seconds between them (30)
#   CANARY_MIN_REQUESTS requests that the canary must have had before the last look counts (50)
#   MAX_ERROR_RATE      share of answers with status 500 or above (0.01)
#   MAX_P95_SECONDS     95th percentile of the time to answer (0.5)
#   NAMESPACE (inference-template), TIMEOUT (10m)
# The image of the release's values has to follow, or the next deploy.sh takes this one back.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"

case "${1:-}" in -h | --help) usage "$0" 0 ;; esac
[ $# -eq 2 ] || usage "$0"
service=$1 image=$2
need_digest_or_tag "$image"
: "${PROMETHEUS_URL:?is not set: the gate needs the address of Prometheus}"
: "${CANARY_REPLICAS:=1}" "${CANARY_CHECKS:=10}" "${CANARY_INTERVAL:=30}" "${CANARY_MIN_REQUESTS:=50}"
: "${MAX_ERROR_RATE:=0.01}" "${MAX_P95_SECONDS:=0.5}"
need kubectl jq curl
stable=$(deployment_of "$service")
canary=$service-canary

# query PROMQL: one number, or nothing where there is no such series.
query() {
  curl --silent --show-error --fail --max-time 10 --get --data-urlencode "query=$1" "${PROMETHEUS_URL%/}/api/v1/query" |
    jq -r '.data.result[0].value[1] // empty | select(. != "NaN")' || fail "Prometheus at $PROMETHEUS_URL did not answer"
}

above() { awk -v value="$1" -v limit="$2" 'BEGIN { exit !(value + 0 > limit + 0) }'; }

remove_canary() { kube delete deployment "$canary" --ignore-not-found --wait=false >/dev/null; }

# The same labels as the stable pods, so that the Service sends it its share; one more, so that it owns only its own pods.
say "starting $CANARY_REPLICAS pods of $image beside $stable"
trap remove_canary EXIT
kube get deployment "$stable" -o json | jq --arg name "$canary" --arg image "$image" --arg service "$service" --argjson replicas "$CANARY_REPLICAS" '
  del(.status, .metadata.uid, .metadata.resourceVersion, .metadata.creationTimestamp, .metadata.generation, .metadata.managedFields, .metadata.annotations)
  | .metadata.name = $name
  | .spec.replicas = $replicas
  | .spec.selector.matchLabels.track = "canary"
  | .spec.template.metadata.labels.track = "canary"
  | (.spec.template.spec.containers[] | select(.name == $service)).image = $image' | kube apply -f -
kube rollout status deployment "$canary" --timeout "$TIMEOUT" || fail "the canary did not become ready and was removed"

selector="namespace=\"$NAMESPACE\",pod=~\"$canary-.*\""
requests=0
for check in $(seq 1 "$CANARY_CHECKS"); do
  sleep "$CANARY_INTERVAL"
  requests=$(query "sum(increase(http_server_request_duration_seconds_count{$selector}[10m]))")
  errors=$(query "sum(rate(http_server_request_duration_seconds_count{$selector,http_response_status_code=~\"5..\"}[5m])) / sum(rate(http_server_request_duration_seconds_count{$selector}[5m]))")
  p95=$(query "histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket{$selector}[5m])))")
  say "look $check of $CANARY_CHECKS: ${requests:-0} requests, error rate ${errors:-0}, p95 ${p95:-unknown} s"
  if above "${errors:-0}" "$MAX_ERROR_RATE"; then fail "error rate $errors is above $MAX_ERROR_RATE: the canary was removed"; fi
  if above "${p95:-0}" "$MAX_P95_SECONDS"; then fail "p95 of $p95 s is above $MAX_P95_SECONDS s: the canary was removed"; fi
done
if ! above "${requests:-0}" "$((CANARY_MIN_REQUESTS - 1))"; then
  fail "the canary had ${requests:-0} requests of the $CANARY_MIN_REQUESTS that an evaluation needs, and was removed"
fi

say "the canary is good: rolling $image out to $stable"
kube set image "deployment/$stable" "$service=$image"
if ! kube rollout status deployment "$stable" --timeout "$TIMEOUT"; then
  kube rollout undo deployment "$stable"
  fail "the rollout did not finish in $TIMEOUT and was undone"
fi
say "rolled out"
