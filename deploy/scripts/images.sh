#!/usr/bin/env bash
# Builds the images with the .NET SDK (no container engine), pushes them, and writes their digests as values for the chart.
#   images.sh REGISTRY VERSION [SERVICE...]
#     images.sh registry.example.com/team 1.4.0
#   REGISTRY   host and path under which the images stand
#   SERVICE    of those that have an image (all)
#   IMAGES     the values file that is written (images.yaml)
#   CONFIGURATION (Release); BASE_IMAGE replaces the base, to pin it by digest or to take it from a mirror
# There are two images of the worker; the chart takes the one that its value gpu calls for.
# Each image gets two tags, VERSION and the revision of the source, and is referred to by neither but by its digest.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cluster.sh"
cd "$here/../.."

case "${1:-}" in -h | --help) usage "$here/images.sh" 0 ;; esac
[ $# -ge 2 ] || usage "$here/images.sh"
registry=$1 version=$2
shift 2
case "$version" in *[!A-Za-z0-9._-]* | '' | latest) fail "'$version' is no version to tag an image with" ;; esac
all=(api worker)
if [ -d Web ]; then all+=(web); fi
all+=(worker-cuda)
[ $# -gt 0 ] || set -- "${all[@]}"
: "${IMAGES:=images.yaml}" "${CONFIGURATION:=Release}"
need dotnet git
revision=$(git rev-parse --short=12 HEAD)
if [ -n "$(git status --porcelain)" ]; then say "the tree has changes that are not committed: the tag $revision does not tell all"; fi
host=${registry%%/*} prefix=
if [ "$host" != "$registry" ]; then prefix=${registry#*/}/; fi

values=$(mktemp)
trap 'rm -f "$values"' EXIT
printf 'images:\n' >"$values"
for service in "$@"; do
  extra=()
  case "$service" in
    api) project=Api value=api ;;
    web) project=Web value=web ;;
    # The package without CUDA.
    worker) project=Worker value=worker extra=(-p:OnnxRuntime=cpu) ;;
    worker-cuda) project=Worker value=workerCuda extra=(-p:WorkerImage=cuda) ;;
    *) fail "there is no service '$service': there are ${all[*]}" ;;
  esac
  if [ -n "${BASE_IMAGE:-}" ]; then extra+=("-p:ContainerBaseImage=$BASE_IMAGE"); fi
  say "building and pushing $registry/$service:$version"
  digest=$(dotnet publish "$project" --configuration "$CONFIGURATION" -t:PublishContainer --nologo -v quiet \
    -p:ContainerRegistry="$host" -p:ContainerRepository="$prefix$service" "-p:ContainerImageTags=\"$version;$revision\"" \
    -p:Version="$version" ${extra[@]+"${extra[@]}"} -getProperty:GeneratedContainerDigest)
  case "$digest" in sha256:*) ;; *) printf '%s\n' "$digest" >&2; fail "$service was not built; the message is above" ;; esac
  say "$registry/$service@$digest"
  printf '  %s: "%s/%s@%s"\n' "$value" "$registry" "$service" "$digest" >>"$values"
done
mv "$values" "$IMAGES"
trap - EXIT
chmod 644 "$IMAGES"
say "wrote $IMAGES"
