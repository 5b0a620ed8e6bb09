// The secrets that the chart's ExternalSecret objects read. Those that nobody has to know are made by the operator at its start.
param name string
param location string
param tags object
param readerPrincipalId string
param cacheName string
@secure()
param connectionStrings object

var secretsUser = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 30
  }

  resource database 'secrets' = {
    name: 'connection-inference'
    properties: { value: connectionStrings.inference }
  }

  resource redis 'secrets' = {
    name: 'connection-redis'
    properties: {
      value: '${cache.properties.hostName}:${cache::database.properties.port},password=${cache::database.listKeys().primaryKey},ssl=true,abortConnect=false'
    }
  }
}

resource cache 'Microsoft.Cache/redisEnterprise@2025-07-01' existing = {
  name: cacheName
  resource database 'databases' existing = { name: 'default' }
}

resource read 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, readerPrincipalId, secretsUser)
  scope: vault
  properties: { principalId: readerPrincipalId, principalType: 'ServicePrincipal', roleDefinitionId: secretsUser }
}

output name string = vault.name
