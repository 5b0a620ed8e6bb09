using InferenceTemplate.Core;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.DataRights;

/// <summary>
/// Erases, on one replica at a time, what is due: deleted tenants, and what was written of erased ones shortly afterwards.
/// </summary>
public sealed class ErasureService(
    NpgsqlDataSource dataSource, TenantErasure erasure, IOptions<DataRightsOptions> options, TimeProvider time,
    ILogger<ErasureService> logger)
    : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    // Records of a tenant's last requests may still be on their way when its rows go.
    private static readonly TimeSpan SweepFor = TimeSpan.FromMinutes(2);

    private const string Due = """
        SELECT t.id FROM tenants t LEFT JOIN tenant_erasures e ON e.tenant_id = t.id
        WHERE t.deleted_at IS NOT NULL AND t.id <> 'default'
          AND (e.tenant_id IS NULL AND t.deleted_at <= $1 OR e.started_at IS NOT NULL AND coalesce(e.finished_at, $2) >= $2)
        ORDER BY t.deleted_at
        """;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(LookEvery, PassAsync, time, logger, stoppingToken);

    private async Task PassAsync(CancellationToken cancellationToken)
    {
        await using var lead = await LeaderLock.TryTakeAsync(dataSource, "erasure", cancellationToken, endsWhenSilent: false);
        if (lead is null)
        {
            return;
        }

        foreach (var tenant in await DueAsync(lead.Connection, cancellationToken))
        {
            await erasure.EraseAsync(tenant, cancellationToken);
        }
    }

    private async Task<List<string>> DueAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var command = new NpgsqlCommand(Due, connection);
        command.Parameters.AddWithValue(now - options.Value.EraseAfter);
        command.Parameters.AddWithValue(now - SweepFor);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var due = new List<string>();
        while (await row.ReadAsync(cancellationToken))
        {
            due.Add(row.GetString(0));
        }

        return due;
    }
}
