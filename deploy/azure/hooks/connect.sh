#!/usr/bin/env sh
# After the cloud stands: a kubectl context for the new cluster, and what comes next.
set -eu
az aks get-credentials --resource-group "$AZURE_RESOURCE_GROUP" --name "$AZURE_AKS_CLUSTER_NAME" --overwrite-existing
kubelogin convert-kubeconfig -l azurecli
cat <<EOF
The cluster $AZURE_AKS_CLUSTER_NAME is the current kubectl context. Next:
  az acr login --name ${AZURE_CONTAINER_REGISTRY_ENDPOINT%%.*}
  ../scripts/images.sh $AZURE_CONTAINER_REGISTRY_ENDPOINT/inference-template VERSION
  ../scripts/deploy.sh production -f images.yaml --set database=managed,redis=managed,secretSource=external
EOF
