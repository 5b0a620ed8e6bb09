#!/usr/bin/env bash
# Asks a running platform what a caller would ask, and fails with the first answer that is not right.
#   SMOKE_URL=https://api.example.com SMOKE_KEY=prefix_secret smoke.sh [MODEL [REQUEST.json]]
#   MODEL          default digits
#   REQUEST.json   an inference request; default models/MODEL/example-request.json where there is one, else no inference
#   SMOKE_TRIES    how often the Api's readiness is asked, a second apart (60)
#   SMOKE_WAIT     seconds in which a worker must have the model (900): where none runs while nothing waits, requests are sent until the
#                  autoscaler has started one, which may have to wait for a node with a GPU
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"

case "${1:-}" in -h | --help) usage "$0" 0 ;; esac
: "${SMOKE_URL:?is not set: give the address of the Api, such as https://api.example.com}"
: "${SMOKE_KEY:?is not set: give an API key with the role user or service}"
: "${SMOKE_TRIES:=60}" "${SMOKE_WAIT:=900}"
need curl
model=${1:-digits}
request=${2:-$here/../../models/$model/example-request.json}
url=${SMOKE_URL%/}
answer=$(mktemp)
headers=$(mktemp)
trap 'rm -f "$answer" "$headers"' EXIT
# The key goes by a file, not by the command line, which other users of the machine can read.
printf 'Authorization: Bearer %s\n' "$SMOKE_KEY" >"$headers"

# ask WANTED-STATUS PATH [CURL ARGUMENT...]
ask() {
  local wanted=$1 path=$2 status
  shift 2
  status=$(curl --silent --show-error --max-time 30 -o "$answer" -w '%{http_code}' "$@" "$url$path") || fail "$path: no answer from $url"
  [ "$status" = "$wanted" ] || fail "$path: $status instead of $wanted: $(head -c 500 "$answer")"
  say "$path: $status"
}

for attempt in $(seq 1 "$SMOKE_TRIES"); do
  if [ "$(curl --silent --max-time 5 -o /dev/null -w '%{http_code}' "$url/v2/health/ready" || true)" = 200 ]; then break; fi
  [ "$attempt" -lt "$SMOKE_TRIES" ] || fail "/v2/health/ready: not ready after $SMOKE_TRIES tries"
  sleep 1
done
ask 200 /v2/health/live
ask 200 /v2/health/ready
ask 401 "/v2/models/$model"

# try PATH [CURL ARGUMENT...]: the status, 000 where nobody answered in time.
try() {
  local path=$1
  shift
  curl --silent --max-time 120 -o "$answer" -w '%{http_code}' -H @"$headers" "$@" "$url$path" || true
}

infer=(-H 'Content-Type: application/json' --data-binary @"$request")
SECONDS=0
told=
# A model is known once a worker has registered it, and ready once one is there that may serve it.
until status=$(try "/v2/models/$model/ready") && [ "$status" = 200 ]; do
  case "$status" in 401 | 403) ask 200 "/v2/models/$model" -H @"$headers" ;; esac
  [ "$SECONDS" -lt "$SMOKE_WAIT" ] ||
    fail "/v2/models/$model/ready: $status, and no worker after $SMOKE_WAIT s (SMOKE_WAIT): $(head -c 500 "$answer")"
  if [ -z "$told" ]; then say "/v2/models/$model/ready: $status: waiting up to $SMOKE_WAIT s for a worker" && told=yes; fi
  # What waits in the queue is what the autoscaler starts workers for.
  if [ -f "$request" ]; then try "/v2/models/$model/infer" "${infer[@]}" >/dev/null; fi
  sleep 1
done
ask 200 "/v2/models/$model" -H @"$headers"
ask 200 "/v2/models/$model/ready" -H @"$headers"
if [ -f "$request" ]; then
  ask 200 "/v2/models/$model/infer" -H @"$headers" "${infer[@]}"
  grep -q '"outputs"' "$answer" || fail "the answer of '$model' has no outputs: $(head -c 500 "$answer")"
else
  say "there is no $request: '$model' was not asked to infer"
fi
say "smoke test passed"
