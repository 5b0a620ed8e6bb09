#!/usr/bin/env bash
# Writes the Helm chart of deploy/helm anew from the topology; Tests/Deploy fails while it differs.
set -euo pipefail
cd "$(dirname "$0")/.."
# What a developer's environment says of secrets and stages must not reach the chart.
export DOTNET_ENVIRONMENT=Production
dotnet build AppHost --nologo -v quiet -clp:NoSummary
rm -rf deploy/helm
dotnet run --project AppHost --no-build --no-launch-profile -- --operation publish --step helm-chart --output-path "$PWD/deploy/helm" </dev/null
