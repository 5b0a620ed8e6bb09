#!/usr/bin/env bash
# Writes docs/openapi.json anew from the Api's endpoints; Tests/Api fails while it differs. Needs redis-server, and no Postgres.
# Usage: scripts/openapi.sh [port]
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ ${1:-} == --help ]]; then
  sed -n '2,3s/^# //p' "$0"
  exit 0
fi

secret() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }

port=${1:-5199}
log=$(mktemp)
command -v redis-server >/dev/null || { echo "redis-server is not installed: see need_containers_or_servers in scripts/setup.sh" >&2; exit 1; }
dotnet build Api --verbosity quiet --nologo

# The Api does not start without Redis; of Postgres, which is not there, the document needs nothing.
redis-server --port $((port + 1)) --bind 127.0.0.1 --save '' --daemonize no > /dev/null &
redis=$!
ASPNETCORE_ENVIRONMENT=Production \
  ConnectionStrings__inference="Host=127.0.0.1;Port=1;Username=none;Database=none" \
  ConnectionStrings__redis="127.0.0.1:$((port + 1))" \
  Auth__ApiKeyPepper=$(secret) \
  Auth__JwtSigningKey=$(secret) \
  Auth__AdminSecret=$(secret) \
  dotnet run --project Api --no-build --no-launch-profile --urls "http://127.0.0.1:$port" > "$log" 2>&1 &
api=$!
trap 'kill "$api" "$redis" 2>/dev/null; wait "$api" "$redis" 2>/dev/null; rm -f "$log"' EXIT

for _ in $(seq 100); do
  if curl -fsS "http://127.0.0.1:$port/openapi/v1.json" -o docs/openapi.json 2>/dev/null; then
    printf '\n' >> docs/openapi.json
    echo "docs/openapi.json is written."
    exit 0
  fi

  kill -0 "$api" 2>/dev/null || break
  sleep 0.3
done

cat "$log" >&2
echo "The Api did not give its document." >&2
exit 1
