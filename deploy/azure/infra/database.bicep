// Postgres with a standby in another zone, 30 days of point-in-time recovery and copies in the paired region.
param name string
param location string
param tags object
@secure()
param password string
param subnetId string
param privateDnsZoneId string
param workspaceId string

var user = 'inference'

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard_D4ds_v5', tier: 'GeneralPurpose' }
  properties: {
    version: '17'
    administratorLogin: user
    administratorLoginPassword: password
    storage: { storageSizeGB: 256, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: 30, geoRedundantBackup: 'Enabled' }
    highAvailability: { mode: 'ZoneRedundant' }
    network: { delegatedSubnetResourceId: subnetId, privateDnsZoneArmResourceId: privateDnsZoneId }
    maintenanceWindow: { customWindow: 'Enabled', dayOfWeek: 0, startHour: 3, startMinute: 0 }
  }

  resource database 'databases' = {
    name: 'inference'
    properties: { charset: 'UTF8', collation: 'en_US.utf8' }
  }

  resource tls 'configurations' = {
    name: 'ssl_min_protocol_version'
    properties: { value: 'TLSv1.2', source: 'user-override' }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: server
  properties: { workspaceId: workspaceId, logs: [{ categoryGroup: 'allLogs', enabled: true }] }
}

output host string = server.properties.fullyQualifiedDomainName
output database string = server::database.name
output user string = user
