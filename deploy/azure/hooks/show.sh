#!/usr/bin/env sh
# After 'azd up' of the root: where things answer.
set -eu
if [ -n "${AZURE_CONTAINER_APPS_ENVIRONMENT_DEFAULT_DOMAIN:-}" ]; then
  echo "API        https://api.$AZURE_CONTAINER_APPS_ENVIRONMENT_DEFAULT_DOMAIN"
  if [ -d Web ]; then echo "Dashboard  https://web.$AZURE_CONTAINER_APPS_ENVIRONMENT_DEFAULT_DOMAIN"; fi
fi
echo "The first admin key is admin_ and the secret 'admin-secret' of the container app 'api'."
