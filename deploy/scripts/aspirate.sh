#!/usr/bin/env bash
# Builds and pushes the images and composes the platform for Kubernetes by aspirate (docs/aspirate.md), ready for kubectl apply.
#   aspirate.sh SECRETS [ASPIRATE ARGUMENT...]
#     aspirate.sh ~/inference.secrets --container-registry registry.example.com/you --container-image-tag 1.0.0
#   SECRETS   a file of lines NAME=VALUE; one with new values is made where it is missing. Keep it in a vault: it belongs to the data
#   OUTPUT    (aspirate-output in the repository) the folder that is written, from the environment. It has secrets in it
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$here/cluster.sh"

[ $# -ge 1 ] || usage "$0"
case "$1" in -h | --help) usage "$0" 0 ;; -*) usage "$0" ;; esac
need aspirate jq kubectl
mkdir -p "$(dirname "$1")"
secrets=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
umask 077

if [ ! -e "$secrets" ]; then
  for name in postgres-password redis-password api-key-pepper jwt-signing-key admin-secret scaling-token data-protection-secret; do
    printf '%s=%s\n' "$name" "$(head -c 512 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | cut -c1-64)"
  done >"$secrets"
  say "made new secrets: $secrets"
fi

output=${OUTPUT:-$root/aspirate-output}
rm -rf "$output/generated" "$output/overlay" "$output/platform.yaml"
mkdir -p "$output"
output=$(cd "$output" && pwd)
jq --rawfile secrets "$secrets" --arg root "$root" -f "$root/deploy/aspirate/manifest.jq" "$root/aspire-manifest.json" >"$output/manifest.json"

# aspirate.json there names the templates. What aspirate calls secrets is a choice by names, which misses most of ours; with it switched
# off all variables come to the templates, and these write Secrets only.
cd "$root/AppHost"
aspirate generate --non-interactive --disable-state --disable-secrets --include-dashboard false \
  --aspire-manifest "$output/manifest.json" --output-path "$output/generated" --output-format kustomize \
  --namespace inference-template --image-pull-policy IfNotPresent "$@"

cp -R "$root/deploy/aspirate/overlay" "$output/overlay"
kubectl kustomize "$output/overlay" --output "$output/platform.yaml"
say "composed $output/platform.yaml; install it with: kubectl apply --server-side -f $output/platform.yaml"
