// The secrets that the chart's ExternalSecret objects read, by the names that its value secretPrefix gives them. Connections are written here;
// those that nobody has to know by deploy/scripts/vault-secrets.sh.
param name string
param location string
param tags object
param readerPrincipalId string
@description('Who fills the vault.')
param writerPrincipalId string
param cacheName string
@secure()
param connectionStrings object

var secretsUser = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')
var secretsOfficer = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7')

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
    name: 'inference-template-inference-connection'
    properties: { value: connectionStrings.inference }
  }

  resource redis 'secrets' = {
    name: 'inference-template-redis-connection'
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

resource write 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (writerPrincipalId != '') {
  name: guid(vault.id, writerPrincipalId, secretsOfficer)
  scope: vault
  properties: { principalId: writerPrincipalId, roleDefinitionId: secretsOfficer }
}

output name string = vault.name
