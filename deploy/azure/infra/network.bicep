// One network: nodes, the database in a subnet of its own, and private endpoints. Nothing here has a public address.
param name string
param location string
param tags object

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: 'vnet-${name}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.20.0.0/16'] }
    subnets: [
      { name: 'nodes', properties: { addressPrefix: '10.20.0.0/20' } }
      {
        name: 'database'
        properties: {
          addressPrefix: '10.20.16.0/24'
          delegations: [
            { name: 'postgres', properties: { serviceName: 'Microsoft.DBforPostgreSQL/flexibleServers' } }
          ]
        }
      }
      { name: 'endpoints', properties: { addressPrefix: '10.20.17.0/24' } }
    ]
  }
}

resource databaseDns 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: '${name}.private.postgres.database.azure.com'
  location: 'global'
  tags: tags
  resource link 'virtualNetworkLinks' = {
    name: 'vnet'
    location: 'global'
    properties: { registrationEnabled: false, virtualNetwork: { id: network.id } }
  }
}

resource cacheDns 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: 'privatelink.redis.azure.net'
  location: 'global'
  tags: tags
  resource link 'virtualNetworkLinks' = {
    name: 'vnet'
    location: 'global'
    properties: { registrationEnabled: false, virtualNetwork: { id: network.id } }
  }
}

output nodesSubnetId string = network.properties.subnets[0].id
output databaseSubnetId string = network.properties.subnets[1].id
output endpointsSubnetId string = network.properties.subnets[2].id
output databaseDnsZoneId string = databaseDns.id
output cacheDnsZoneId string = cacheDns.id
