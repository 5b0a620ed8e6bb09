// The cluster: system and user nodes over the zones, a GPU pool from zero nodes, network policies enforced, KEDA and
// workload identity on, local accounts off.
param name string
param location string
param tags object
param zones array
param subnetId string
param workspaceId string
param registryName string
param maxGpuNodes int
param gpuSpot bool
param gpuVmSize string
param adminsGroup string

var acrPull = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '7f951dda-4ed3-4680-a7ca-43fe172d538d')

resource cluster 'Microsoft.ContainerService/managedClusters@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  sku: { name: 'Base', tier: 'Standard' }
  properties: {
    dnsPrefix: name
    kubernetesVersion: '1.33'
    disableLocalAccounts: true
    enableRBAC: true
    aadProfile: { managed: true, enableAzureRBAC: true, adminGroupObjectIDs: adminsGroup == '' ? [] : [adminsGroup] }
    autoUpgradeProfile: { upgradeChannel: 'patch', nodeOSUpgradeChannel: 'NodeImage' }
    oidcIssuerProfile: { enabled: true }
    securityProfile: { workloadIdentity: { enabled: true }, imageCleaner: { enabled: true, intervalHours: 48 } }
    workloadAutoScalerProfile: { keda: { enabled: true }, verticalPodAutoscaler: { enabled: true } }
    networkProfile: {
      networkPlugin: 'azure'
      networkPluginMode: 'overlay'
      networkDataplane: 'cilium'
      networkPolicy: 'cilium'
      podCidr: '10.244.0.0/16'
      serviceCidr: '10.0.0.0/16'
      dnsServiceIP: '10.0.0.10'
    }
    ingressProfile: { webAppRouting: { enabled: true } }
    addonProfiles: {
      omsagent: { enabled: true, config: { logAnalyticsWorkspaceResourceID: workspaceId } }
    }
    autoScalerProfile: { expander: 'least-waste', 'scale-down-unneeded-time': '10m' }
    agentPoolProfiles: [
      {
        name: 'system'
        mode: 'System'
        vmSize: 'Standard_D4ds_v5'
        count: 3
        minCount: 3
        maxCount: 5
        enableAutoScaling: true
        availabilityZones: zones
        vnetSubnetID: subnetId
        nodeTaints: ['CriticalAddonsOnly=true:NoSchedule']
        upgradeSettings: { maxSurge: '33%' }
      }
      {
        name: 'services'
        mode: 'User'
        vmSize: 'Standard_D8ds_v5'
        count: 3
        minCount: 3
        maxCount: 20
        enableAutoScaling: true
        availabilityZones: zones
        vnetSubnetID: subnetId
        upgradeSettings: { maxSurge: '33%' }
      }
    ]
  }
}

// The worker asks for this label and bears this taint. NVIDIA's operator would set the label too, but an empty pool is grown by this one.
resource gpu 'Microsoft.ContainerService/managedClusters/agentPools@2025-01-01' = if (maxGpuNodes > 0) {
  parent: cluster
  name: 'gpu'
  properties: {
    mode: 'User'
    vmSize: gpuVmSize
    count: 0
    minCount: 0
    maxCount: maxGpuNodes
    enableAutoScaling: true
    availabilityZones: zones
    vnetSubnetID: subnetId
    scaleSetPriority: gpuSpot ? 'Spot' : 'Regular'
    scaleSetEvictionPolicy: gpuSpot ? 'Delete' : null
    spotMaxPrice: gpuSpot ? json('-1') : null
    nodeLabels: { 'nvidia.com/gpu.present': 'true' }
    nodeTaints: ['nvidia.com/gpu=present:NoSchedule']
  }
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: registryName
}

resource pull 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, cluster.id, acrPull)
  scope: registry
  properties: {
    principalId: cluster.properties.identityProfile.kubeletidentity.objectId
    principalType: 'ServicePrincipal'
    roleDefinitionId: acrPull
  }
}

// Whom the External Secrets operator is when it reads the vault.
resource secrets 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-${name}-secrets'
  location: location
  tags: tags
  resource federation 'federatedIdentityCredentials' = {
    name: 'external-secrets'
    properties: {
      issuer: cluster.properties.oidcIssuerProfile.issuerURL
      subject: 'system:serviceaccount:external-secrets:external-secrets'
      audiences: ['api://AzureADTokenExchange']
    }
  }
}

output name string = cluster.name
output kubeletPrincipalId string = cluster.properties.identityProfile.kubeletidentity.objectId
output secretsPrincipalId string = secrets.properties.principalId
output secretsClientId string = secrets.properties.clientId
