#!/usr/bin/env bash
# Makes a new set of secrets for a chart that takes them as values, one for each parameter, and writes the values file to standard output:
#   umask 077; deploy/scripts/secret-values.sh deploy/kubernetes/chart >secrets.yaml
# A parameter whose value is in the environment by its upper-case name (INFERENCE_CONNECTION, POSTGRES_PASSWORD, ...) gets that one.
# Keep the file in a vault: it belongs to the data, and the same one is given at each upgrade.
set -euo pipefail

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
  exit 0
fi
values=${1:?usage: secret-values.sh CHART_FOLDER}/values.yaml
[ -r "$values" ] || { printf 'error: there is no %s\n' "$values" >&2; exit 1; }

declare -A secrets=()
secret() { # NAME: sets REPLY, to the same value for each who asks for a parameter
  local variable=${1^^}
  if [ -z "${secrets[$1]:-}" ]; then
    if [ -n "${!variable:-}" ]; then
      secrets[$1]=${!variable}
    elif [[ $1 == *_connection ]]; then
      printf 'error: a connection cannot be made up: set %s\n' "$variable" >&2
      exit 1
    else
      # Letters and digits only, since they stand in connection strings.
      secrets[$1]=$(head -c 512 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | cut -c1-64)
    fi
  fi
  REPLY=${secrets[$1]}
}

printf 'secrets:\n'
section=
while IFS= read -r line; do
  case "$line" in
    '    ConnectionStrings__'*) ;; # composed in the chart
    '    '[a-z]*': ""')
      if [ "$section" = secrets ]; then
        name=${line%%:*}
        secret "${name// /}"
        # A quote or a backslash of a given value has to be escaped in YAML.
        REPLY=${REPLY//\\/\\\\}
        printf '%s: "%s"\n' "$name" "${REPLY//\"/\\\"}"
      fi
      ;;
    '  '[a-z]*:) if [ "$section" = secrets ]; then printf '%s\n' "$line"; fi ;;
    [a-z]*:) section=${line%:} ;;
  esac
done <"$values"
