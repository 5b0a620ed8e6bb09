#!/usr/bin/env bash
# Makes a new set of secrets for the chart in deploy/helm and writes them, as values, to standard output:
#   umask 077; deploy/scripts/secret-values.sh >secrets.yaml
# A secret whose value is in the environment by its upper-case name (POSTGRES_PASSWORD, INFERENCE_CONNECTION, ...) gets that one; connections
# to managed servers can't be made up, and are written only where they are given.
# Keep the file in a vault: it belongs to the data, and the same one is given at each upgrade.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"

case "${1:-}" in -h | --help) usage "$0" 0 ;; esac
[ $# -eq 0 ] || usage "$0"
values=$here/../helm/values.yaml
[ -r "$values" ] || fail "there is no chart in deploy/helm: 'scripts/chart.sh' writes it"

printf 'secrets:\n'
sed -n '/^secrets:/,/^[^ #]/s/^  \([A-Za-z]*\): "".*/\1/p' "$values" | while read -r name; do
  # postgresPassword is given as POSTGRES_PASSWORD.
  variable=$(printf '%s' "$name" | sed 's/[A-Z]/_&/g' | tr '[:lower:]' '[:upper:]')
  value=${!variable:-}
  if [ -z "$value" ]; then
    case "$name" in *Connection) continue ;; esac
    # Letters and digits only, since they stand in connection strings.
    value=$(head -c 512 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | cut -c1-64)
  fi
  case "$value" in *$'\n'*) fail "$variable has more than one line" ;; esac
  # A quote or a backslash of a given value has to be escaped in YAML.
  value=${value//\\/\\\\}
  printf '  %s: "%s"\n' "$name" "${value//\"/\\\"}"
done
