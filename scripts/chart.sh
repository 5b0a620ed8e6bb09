#!/usr/bin/env bash
# Writes the Helm chart of deploy/helm and the files of deploy/monitoring anew from the AppHost; Tests/Deploy fails while they differ.
set -euo pipefail
cd "$(dirname "$0")/.."
# What a developer's environment says of secrets and stages must not reach the chart.
export DOTNET_ENVIRONMENT=Production
dotnet build AppHost --nologo -v quiet -clp:NoSummary
rm -rf deploy/helm deploy/monitoring
step() {
  dotnet run --project AppHost --no-build --no-launch-profile -- --operation publish --step "$1" --output-path "$PWD/$2" </dev/null
}
step helm-chart deploy/helm
step monitoring deploy/monitoring
