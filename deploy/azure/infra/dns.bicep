param zone string
param tags object
param managerPrincipalId string

var dnsContributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'befefa01-2a29-4197-83a8-272ff33ce314')

resource dns 'Microsoft.Network/dnsZones@2018-05-01' = {
  name: zone
  location: 'global'
  tags: tags
}

// external-dns and cert-manager's DNS challenge write records.
resource write 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(dns.id, managerPrincipalId, dnsContributor)
  scope: dns
  properties: { principalId: managerPrincipalId, principalType: 'ServicePrincipal', roleDefinitionId: dnsContributor }
}

output nameServers array = dns.properties.nameServers
