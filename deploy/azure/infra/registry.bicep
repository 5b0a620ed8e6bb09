param name string
param location string
param tags object

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Premium' }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
    zoneRedundancy: 'Enabled'
    policies: { retentionPolicy: { status: 'enabled', days: 30 } }
  }
}

output name string = registry.name
output endpoint string = registry.properties.loginServer
