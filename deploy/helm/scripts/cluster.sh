# Sourced by the scripts beside it: what they share about the cluster and how they speak.
# shellcheck shell=bash

say() { printf '== %s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || fail "'$tool' is missing: install it and try again"
  done
}

# usage FILE: prints the comment at a script's head and ends with 2, or with 0 when it was asked for.
usage() {
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$1"
  exit "${2:-2}"
}

: "${NAMESPACE:=inference-template}"
: "${RELEASE:=inference-template}"
: "${TIMEOUT:=10m}"

kube() { kubectl --namespace "$NAMESPACE" "$@"; }

# The chart names a workload 'SERVICE-deployment' and its container SERVICE.
deployment_of() { printf '%s-deployment' "$1"; }

image_of() {
  kube get deployment "$(deployment_of "$1")" -o "jsonpath={.spec.template.spec.containers[?(@.name=='$1')].image}"
}

need_digest_or_tag() {
  case "$1" in
    *:latest | *@latest) fail "'$1' names no fixed image: give a version tag or, better, a digest (IMAGE@sha256:...)" ;;
    *@sha256:* | *:*) ;;
    *) fail "'$1' names neither a tag nor a digest" ;;
  esac
}
