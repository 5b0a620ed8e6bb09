#!/usr/bin/env bash
# Makes in an Azure key vault the secrets that the chart reads from there (secretSource=external), but for the connections to managed
# servers, which deploy/azure writes. One that is there already stays as it is, so it may run again: after an upgrade that needs another.
#   vault-secrets.sh VAULT [PREFIX]
#     vault-secrets.sh kv-abc123
#   VAULT    the name of the vault; who runs this needs the role "Key Vault Secrets Officer" there
#   PREFIX   the chart's value secretPrefix (inference-template-)
# Needs az, logged in.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"

case "${1:-}" in -h | --help) usage "$0" 0 ;; esac
{ [ $# -ge 1 ] && [ $# -le 2 ]; } || usage "$0"
vault=$1 prefix=${2-inference-template-}
case "$prefix" in *[!A-Za-z0-9-]*) fail "'$prefix' can't begin the name of a secret in a key vault: letters, digits and dashes only" ;; esac
need az

# A failure here must not look like an empty vault: the secrets of a running platform would be replaced.
present=$(az keyvault secret list --vault-name "$vault" --query '[].name' --output tsv) || fail "the secrets of '$vault' can't be listed: see above"
umask 077
file=$(mktemp)
trap 'rm -f "$file"' EXIT
# secret-values.sh writes lines such as '  apiKeyPepper: "..."', where a quote or a backslash has another before it.
bash "$here/secret-values.sh" | sed -n 's/^  \([A-Za-z]*\): "\(.*\)"$/\1 \2/p' | while IFS=' ' read -r name value; do
  # Those are of servers that the chart runs, and connections are of this vault's maker.
  case "$name" in *Connection | postgresPassword | redisPassword) continue ;; esac
  secret=$prefix$(printf '%s' "$name" | sed 's/[A-Z]/-&/g' | tr '[:upper:]' '[:lower:]')
  if printf '%s\n' "$present" | grep -qxF -- "$secret"; then
    say "$secret is there and stays"
    continue
  fi
  # By a file, not by the command line, which other users of the machine can read.
  value=${value//\\\"/\"}
  printf '%s' "${value//\\\\/\\}" >"$file"
  az keyvault secret set --vault-name "$vault" --name "$secret" --file "$file" --encoding utf-8 --output none </dev/null
  say "made $secret"
done
