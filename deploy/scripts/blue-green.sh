#!/usr/bin/env bash
# Brings a new image of one service up in full beside the running one, checks it, and moves all callers at once.
#   blue-green.sh start SERVICE IMAGE    starts green; nobody is sent there yet
#   blue-green.sh switch SERVICE         sends all callers to green; blue stays, to go back in a second
#   blue-green.sh back SERVICE           sends all callers to blue again
#   blue-green.sh finish SERVICE         gives blue the new image and removes green (after 'switch')
#   blue-green.sh abort SERVICE          removes green and leaves blue as it was
#   NAMESPACE (inference-template), TIMEOUT (10m); SMOKE_URL and SMOKE_KEY: start then checks green by a port-forward, see smoke.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"

case "${1:-}" in -h | --help) usage "$0" 0 ;; esac
[ $# -ge 2 ] || usage "$0"
verb=$1 service=$2
need kubectl jq
blue=$(deployment_of "$service")
green=$service-green
entry=$service-service

# The hash that Kubernetes puts on the pods of a Deployment's current template.
hash_of() {
  local revision
  revision=$(kube get deployment "$1" -o json | jq -r '.metadata.annotations["deployment.kubernetes.io/revision"]')
  kube get replicaset -o json | jq -r --arg owner "$1" --arg revision "$revision" '
    .items[] | select(any(.metadata.ownerReferences[]?; .kind == "Deployment" and .name == $owner))
    | select(.metadata.annotations["deployment.kubernetes.io/revision"] == $revision) | .metadata.labels["pod-template-hash"]'
}

# point DEPLOYMENT: only its pods answer. Both colors keep the labels that network policies go by, so the hash tells them apart.
point() {
  local hash
  hash=$(hash_of "$1")
  [ -n "$hash" ] || fail "$1 has no ReplicaSet to point $entry at"
  kube patch service "$entry" --type merge -p "{\"spec\":{\"selector\":{\"pod-template-hash\":\"$hash\"}}}"
}

# release: whichever pods carry the service's labels answer, as the chart has it.
release() { kube patch service "$entry" --type merge -p '{"spec":{"selector":{"pod-template-hash":null}}}'; }

ready_pods() { kube get deployment "$1" -o 'jsonpath={.status.readyReplicas}'; }

case "$verb" in
  start)
    [ $# -eq 3 ] || usage "$0"
    image=$3
    need_digest_or_tag "$image"
    say "keeping callers of $entry on blue while green starts"
    point "$blue"
    say "starting $green with $image"
    kube get deployment "$blue" -o json | jq --arg name "$green" --arg image "$image" --arg service "$service" '
      del(.metadata.uid, .metadata.resourceVersion, .metadata.creationTimestamp, .metadata.generation, .metadata.managedFields, .metadata.annotations)
      | .spec.replicas = ([.status.replicas // 1, 1] | max)
      | del(.status)
      | .metadata.name = $name
      | .spec.selector.matchLabels.color = "green"
      | .spec.template.metadata.labels.color = "green"
      | (.spec.template.spec.containers[] | select(.name == $service)).image = $image' | kube apply -f -
    if ! kube rollout status deployment "$green" --timeout "$TIMEOUT"; then
      kube delete deployment "$green" --wait=false
      release
      fail "green did not become ready and was removed; blue was not touched"
    fi
    if [ -n "${SMOKE_KEY:-}" ]; then
      port=${SMOKE_PORT:-18080}
      kube port-forward "deployment/$green" "$port:http" >/dev/null &
      forward=$!
      trap 'kill "$forward" 2>/dev/null || true' EXIT
      SMOKE_URL=http://localhost:$port bash "$here/smoke.sh" || fail "green does not answer as it should; nobody was sent there. 'blue-green.sh abort $service' removes it"
    else
      say "SMOKE_KEY is not set: green was not called"
    fi
    say "green is ready: 'blue-green.sh switch $service' sends callers there"
    ;;
  switch)
    [ -n "$(ready_pods "$green")" ] || fail "$green has no ready pods"
    say "sending all callers of $entry to green"
    point "$green"
    ;;
  back)
    say "sending all callers of $entry to blue"
    point "$blue"
    ;;
  finish)
    image=$(kube get deployment "$green" -o "jsonpath={.spec.template.spec.containers[?(@.name=='$service')].image}")
    say "giving $blue $image"
    kube set image "deployment/$blue" "$service=$image"
    kube rollout status deployment "$blue" --timeout "$TIMEOUT" || fail "blue did not become ready with $image; callers are still on green"
    release
    kube delete deployment "$green"
    say "blue serves $image; green is gone"
    ;;
  abort)
    point "$blue"
    kube delete deployment "$green" --ignore-not-found
    release
    say "green is gone; blue serves"
    ;;
  *) usage "$0" ;;
esac
