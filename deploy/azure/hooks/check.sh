#!/usr/bin/env sh
# Before anything is made: what the templates need and have no default for.
set -eu
problems=0
for name in DATABASE_PASSWORD BUDGET_EMAIL; do
  eval "value=\${$name:-}"
  if [ -z "$value" ]; then
    echo "error: $name is not set: azd env set $name ..." >&2
    problems=1
  fi
done
if [ -n "${DATABASE_PASSWORD:-}" ] && [ "${#DATABASE_PASSWORD}" -lt 16 ]; then
  echo "error: DATABASE_PASSWORD has ${#DATABASE_PASSWORD} characters; give it at least 16" >&2
  problems=1
fi
if [ "$problems" = 0 ] && [ -z "${BUDGET_START:-}" ]; then
  # Kept, since a budget's first day can't be changed by a later deployment.
  azd env set BUDGET_START "$(date -u +%Y-%m-01)"
fi
exit "$problems"
