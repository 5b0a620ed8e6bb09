// What production needs of Azure around the cluster's own objects: deployed by 'azd provision' in deploy/azure.
targetScope = 'subscription'

@minLength(1)
@maxLength(32)
@description('Name of the azd environment; part of every name.')
param environmentName string

@description('Region; needs zones, and the GPU size of the worker pool.')
param location string

@description('The zones over which nodes and the database are spread.')
param zones array = ['1', '2', '3']

@description('DNS zone that the cluster\'s names live in, such as inference-template.example.com; empty for none.')
param dnsZone string = ''

@secure()
@minLength(16)
@description('Password of the database\'s administrator.')
param databasePassword string

@description('Largest number of GPU nodes; 0 leaves the pool out.')
@minValue(0)
param maxGpuNodes int = 4

@description('Spot nodes for GPUs: a fraction of the price, may be taken away at any time.')
param gpuSpot bool = false

@description('Size of GPU nodes: one NVIDIA GPU each.')
param gpuVmSize string = 'Standard_NC24ads_A100_v4'

@description('What the whole may cost in a month, in the currency of the subscription.')
@minValue(1)
param monthlyBudget int = 5000

@description('Who is told at 80 % and 100 % of the budget.')
param budgetEmail string

@description('First day of the budget, the first of a month: yyyy-MM-01. It can never be changed, so it is not the day of a deployment.')
param budgetStart string

@description('Object id of the group that administers the cluster.')
param clusterAdminsGroup string = ''

@description('Object id of whoever provisions, who may then fill the vault; azd knows it. Empty for nobody.')
param operatorPrincipalId string = ''

var tags = { 'azd-env-name': environmentName }
var suffix = toLower(uniqueString(subscription().id, environmentName, location))

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module network 'network.bicep' = {
  scope: group
  params: { name: environmentName, location: location, tags: tags }
}

module observability 'observability.bicep' = {
  scope: group
  params: { name: environmentName, location: location, tags: tags }
}

module registry 'registry.bicep' = {
  scope: group
  params: { name: 'cr${suffix}', location: location, tags: tags }
}

module cluster 'cluster.bicep' = {
  scope: group
  params: {
    name: 'aks-${environmentName}'
    location: location
    tags: tags
    zones: zones
    subnetId: network.outputs.nodesSubnetId
    workspaceId: observability.outputs.workspaceId
    registryName: registry.outputs.name
    maxGpuNodes: maxGpuNodes
    gpuSpot: gpuSpot
    gpuVmSize: gpuVmSize
    adminsGroup: clusterAdminsGroup
  }
}

module database 'database.bicep' = {
  scope: group
  params: {
    name: 'psql-${environmentName}-${suffix}'
    location: location
    tags: tags
    password: databasePassword
    subnetId: network.outputs.databaseSubnetId
    privateDnsZoneId: network.outputs.databaseDnsZoneId
    workspaceId: observability.outputs.workspaceId
  }
}

module cache 'cache.bicep' = {
  scope: group
  params: {
    name: 'redis-${environmentName}-${suffix}'
    location: location
    tags: tags
    zones: zones
    subnetId: network.outputs.endpointsSubnetId
    privateDnsZoneId: network.outputs.cacheDnsZoneId
  }
}

module vault 'vault.bicep' = {
  scope: group
  params: {
    name: 'kv-${suffix}'
    location: location
    tags: tags
    readerPrincipalId: cluster.outputs.secretsPrincipalId
    writerPrincipalId: operatorPrincipalId
    connectionStrings: {
      inference: 'Host=${database.outputs.host};Database=${database.outputs.database};Username=${database.outputs.user};Password=${databasePassword};SSL Mode=VerifyFull'
    }
    cacheName: cache.outputs.name
  }
}

module dns 'dns.bicep' = if (dnsZone != '') {
  scope: group
  params: { zone: dnsZone, tags: tags, managerPrincipalId: cluster.outputs.kubeletPrincipalId }
}

module budget 'budget.bicep' = {
  scope: group
  params: { name: 'budget-${environmentName}', amount: monthlyBudget, email: budgetEmail, start: budgetStart }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_AKS_CLUSTER_NAME string = cluster.outputs.name
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.endpoint
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_SECRETS_CLIENT_ID string = cluster.outputs.secretsClientId
output DATABASE_HOST string = database.outputs.host
output CACHE_HOST string = cache.outputs.host
output DNS_NAME_SERVERS array = dnsZone == '' ? [] : dns!.outputs.nameServers
