#!/usr/bin/env bash
# Builds and pushes the images and composes the platform for Kubernetes by aspirate (docs/operations.md), ready for kubectl apply.
#   aspirate.sh SECRETS --container-registry REGISTRY --container-image-tag TAG [ASPIRATE OPTION...]
#     aspirate.sh ~/inference.secrets --container-registry registry.example.com/you --container-image-tag 1.0.0
#   SECRETS   a file of lines NAME=VALUE; one with new values is made where it is missing. Keep it in a vault: it belongs to the data
#   WorkerImage  (cuda) the worker's image: the overlay gives it a GPU. Empty where the overlay has none
#   OUTPUT    (aspirate-output in the repository) the folder that is written, from the environment. It has secrets in it
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$here/cluster.sh"

[ $# -ge 1 ] || usage "$0"
case "$1" in -h | --help) usage "$0" 0 ;; -*) usage "$0" ;; esac
need aspirate jq kubectl
file=$1
shift
given=("$@")
umask 077

# option NAME...: the value that the arguments give an option by one of its names; fails where they do not give it.
option() {
  local name i
  for ((i = 0; i < ${#given[@]}; i++)); do
    for name in "$@"; do
      case "${given[i]}" in
        "$name") printf '%s' "${given[i + 1]-}" && return ;;
        "$name="* | "$name:"*) printf '%s' "${given[i]#"$name"?}" && return ;;
      esac
    done
  done
  return 1
}

has() { option "$@" >/dev/null; }

# in_settings NAME: whether aspirate.json has it among the settings of containers.
in_settings() { jq -e ".ContainerSettings.$1 // [] | length > 0" "$root/AppHost/aspirate.json" >/dev/null; }

# aspirate refuses an option that comes twice, so those that cannot be another's choice are refused by name.
for own in --aspire-manifest -m --output-path -o --output-format --project-path -p --non-interactive \
  --disable-state --no-state --disable-secrets; do
  if has "$own"; then fail "$own is this script's own; the folder that it writes is named by OUTPUT"; fi
done

# Without them aspirate calls the images api:latest and so on, and ends well.
has --container-registry -cr || [ -n "${ASPIRATE_CONTAINER_REGISTRY:-}" ] || in_settings Registry ||
  fail "the images have no registry: give --container-registry registry.example.com/you"
has --container-image-tag -ct || in_settings Tags || fail "the images have no version: give --container-image-tag 1.0.0"

defaults=()
has --image-pull-policy || defaults+=(--image-pull-policy IfNotPresent)
has --include-dashboard --with-dashboard || defaults+=(--include-dashboard false)
namespace=$(option --namespace) || {
  namespace=$NAMESPACE
  defaults+=(--namespace "$namespace")
}
case "$namespace" in "" | *[!a-z0-9-]*) fail "'$namespace' is no name of a namespace" ;; esac

mkdir -p "$(dirname "$file")"
secrets=$(cd "$(dirname "$file")" && pwd)/$(basename "$file")
if [ ! -e "$secrets" ]; then
  for name in postgres-password redis-password api-key-pepper jwt-signing-key admin-secret direct-secret scaling-token data-protection-secret; do
    printf '%s=%s\n' "$name" "$(head -c 512 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | cut -c1-64)"
  done >"$secrets"
  say "made new secrets: $secrets"
fi

output=${OUTPUT:-$root/aspirate-output}
rm -rf "$output/generated" "$output/overlay" "$output/platform.yaml"
mkdir -p "$output"
output=$(cd "$output" && pwd)
jq --rawfile secrets "$secrets" --arg root "$root" -f "$root/deploy/aspirate/manifest.jq" "$root/aspire-manifest.json" \
  >"$output/manifest.json"

# aspirate.json there names the templates. What aspirate calls secrets is a choice by names, which misses most of ours, and it keeps them
# in a state file that --disable-state does not prevent; switched off, all variables come to the templates, which write Secrets only.
export WorkerImage=${WorkerImage-cuda} # which MSBuild reads as the property of that name
cd "$root/AppHost"
aspirate generate --non-interactive --disable-state --disable-secrets --aspire-manifest "$output/manifest.json" \
  --output-path "$output/generated" --output-format kustomize ${defaults[@]+"${defaults[@]}"} "$@"

cp -R "$root/deploy/aspirate/overlay" "$output/overlay"
cd "$root/deploy/aspirate/overlay"
sed "s/^namespace: .*/namespace: $namespace/" kustomization.yaml >"$output/overlay/kustomization.yaml"
sed "s|//api\.[^.]*\.svc|//api.$namespace.svc|" scaling.yaml >"$output/overlay/scaling.yaml"
kubectl kustomize "$output/overlay" --output "$output/platform.yaml"
say "composed $output/platform.yaml; install it with: kubectl apply --server-side -f $output/platform.yaml"
