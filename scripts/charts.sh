#!/usr/bin/env bash
# Writes the Helm charts of deploy/kubernetes anew from the topology; Tests/Deploy fails while one differs.
set -euo pipefail
cd "$(dirname "$0")/.."
# What a developer's environment says of secrets and stages must not reach a chart.
export DOTNET_ENVIRONMENT=Production
dotnet build AppHost --nologo -v quiet -clp:NoSummary
while read -r name switches; do
  case "$name" in '' | '#'*) continue ;; esac
  rm -rf "deploy/kubernetes/${name:?}"
  # shellcheck disable=SC2086 # The switches are words.
  dotnet run --project AppHost --no-build --no-launch-profile -- \
    --operation publish --step publish --output-path "$PWD/deploy/kubernetes/$name" $switches </dev/null
done <deploy/kubernetes/charts.txt
