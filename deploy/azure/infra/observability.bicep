param name string
param location string
param tags object

// 30 days of logs, as the product's own retention says.
resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: { sku: { name: 'PerGB2018' }, retentionInDays: 30 }
}

output workspaceId string = workspace.id
