#!/usr/bin/env bash
# Writes aspire-manifest.json anew from the topology; Tests/AppHost fails while it differs.
set -euo pipefail
cd "$(dirname "$0")/.."
dotnet run --project AppHost -- --publisher manifest --output-path "$PWD/aspire-manifest.json"
