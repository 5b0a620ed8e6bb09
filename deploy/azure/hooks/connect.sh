#!/usr/bin/env sh
# After the cloud stands: a kubectl context for the new cluster, and what comes next. Needs kubelogin: the cluster has no accounts of its own.
set -eu
command -v kubelogin >/dev/null || {
  echo "error: kubelogin is missing: az aks install-cli installs it; then run this again: azd hooks run postprovision" >&2
  exit 1
}
az aks get-credentials --resource-group "$AZURE_RESOURCE_GROUP" --name "$AZURE_AKS_CLUSTER_NAME" --overwrite-existing
kubelogin convert-kubeconfig -l azurecli
cat <<EOF
The cluster $AZURE_AKS_CLUSTER_NAME is the current kubectl context. Next, from the root of the repository:
  deploy/scripts/vault-secrets.sh $AZURE_KEY_VAULT_NAME
  helm upgrade --install external-secrets external-secrets --repo https://charts.external-secrets.io \\
    --namespace external-secrets --create-namespace \\
    --set-string 'serviceAccount.annotations.azure\.workload\.identity/client-id=$AZURE_SECRETS_CLIENT_ID'
  sed 's/VAULT/$AZURE_KEY_VAULT_NAME/; s/TENANT/$AZURE_TENANT_ID/' deploy/azure/secret-store.yaml | kubectl apply -f -
  az acr login --name ${AZURE_CONTAINER_REGISTRY_ENDPOINT%%.*}
  deploy/scripts/images.sh $AZURE_CONTAINER_REGISTRY_ENDPOINT/inference-template VERSION
  deploy/scripts/deploy.sh production -f deploy/azure/values.yaml -f images.yaml
EOF
