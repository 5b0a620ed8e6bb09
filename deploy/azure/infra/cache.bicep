// Redis over zones, TLS only, reached by a private endpoint and not from outside. It holds nothing that must not be lost, and evicts nothing.
param name string
param location string
param tags object
param zones array
param subnetId string
param privateDnsZoneId string

resource cache 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Balanced_B10' }
  zones: zones
  properties: { minimumTlsVersion: '1.2', highAvailability: 'Enabled', publicNetworkAccess: 'Disabled' }

  resource database 'databases' = {
    name: 'default'
    properties: {
      clientProtocol: 'Encrypted'
      // The chart's policies admit this one: managedPorts.redis in its values.
      port: 10000
      // Scripts touch several keys of one model version; without clustering none of them can be in another slot.
      clusteringPolicy: 'NoCluster'
      evictionPolicy: 'NoEviction'
      accessKeysAuthentication: 'Enabled'
    }
  }
}

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = {
  name: 'pe-${name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      { name: 'cache', properties: { privateLinkServiceId: cache.id, groupIds: ['redisEnterprise'] } }
    ]
  }
  resource dns 'privateDnsZoneGroups' = {
    name: 'default'
    properties: { privateDnsZoneConfigs: [{ name: 'cache', properties: { privateDnsZoneId: privateDnsZoneId } }] }
  }
}

output name string = cache.name
output host string = cache.properties.hostName
