using System.Buffers.Binary;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Retention;

/// <param name="Tenant">Null for the platform's.</param>
/// <param name="Days">How long they are kept.</param>
public sealed record ExpiredRows(string Table, string? Tenant, int Days, long Rows);

/// <summary>Deletes what was kept long enough, in batches and on one process at a time.</summary>
public sealed class RetentionRun(
    NpgsqlDataSource dataSource,
    IDbContextFactory<InferenceDbContext> contexts,
    AuditPruning pruning,
    IOptions<RetentionOptions> options,
    TimeProvider time)
{
    private const string AuditTable = "audit_entries";

    private const int MaxWholes = 10;

    /// <summary>What a run would delete now, by table and tenant.</summary>
    public async Task<IReadOnlyList<ExpiredRows>> PreviewAsync(CancellationToken cancellationToken)
    {
        var found = new List<ExpiredRows>();
        foreach (var rule in await RulesAsync(cancellationToken))
        {
            found.AddRange(await CountAsync(rule, cancellationToken));
        }

        var audit = await pruning.CountAsync(Before(options.Value.AuditDays), cancellationToken);
        return audit == 0 ? found : [.. found, new ExpiredRows(AuditTable, null, options.Value.AuditDays, audit)];
    }

    /// <summary>Deletes it.</summary>
    /// <param name="actor">Who is named where the audit chain is pruned.</param>
    /// <returns>What was deleted, by table and tenant; null when another process is at it.</returns>
    public async Task<IReadOnlyList<ExpiredRows>?> RunAsync(string actor, CancellationToken cancellationToken)
    {
        await using var lead = await LeaderLock.TryTakeAsync(dataSource, "retention", cancellationToken, endsWhenSilent: false);
        if (lead is null)
        {
            return null;
        }

        var deleted = new List<ExpiredRows>();
        foreach (var rule in await RulesAsync(cancellationToken))
        {
            foreach (var (tenant, days) in rule.TenantColumn is null ? [(null, rule.Days)] : await TenantsAsync(rule, cancellationToken))
            {
                var rows = await DeleteAsync(rule, tenant, days, cancellationToken);
                deleted.AddRange(rows == 0 ? [] : [new ExpiredRows(rule.Table, tenant, days, rows)]);
            }
        }

        var pruned = 0L;
        while (await pruning.PruneAsync(Before(options.Value.AuditDays), actor, cancellationToken) is > 0 and var some)
        {
            pruned += some;
            await Task.Delay(options.Value.Pause, time, cancellationToken);
        }

        return pruned == 0 ? deleted : [.. deleted, new ExpiredRows(AuditTable, null, options.Value.AuditDays, pruned)];
    }

    // Ids of version 7 begin with the time in milliseconds.
    private static Guid FirstId(DateTimeOffset at)
    {
        Span<byte> id = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(id, at.ToUnixTimeMilliseconds() << 16);
        return new Guid(id, bigEndian: true);
    }

    private DateTimeOffset Before(int days) => time.GetUtcNow().AddDays(-days);

    private async Task<IReadOnlyList<RetentionRule>> RulesAsync(CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        return RetentionRule.All(database.Model, options.Value);
    }

    private async Task<List<ExpiredRows>> CountAsync(RetentionRule rule, CancellationToken cancellationToken)
    {
        var days = rule.IsTenants ? "coalesce(t.retention_days, $2)" : "$2";
        await using var command = dataSource.CreateCommand(rule.TenantColumn is null
            ? $"SELECT NULL, $2::int, count(*) FROM {rule.Table} r WHERE r.{rule.TimeColumn} < $1 - make_interval(days => $2) HAVING count(*) > 0"
            : $"""
            SELECT r.{rule.TenantColumn}, {days}, count(*) FROM {rule.Table} r LEFT JOIN tenants t ON t.id = r.{rule.TenantColumn}
            WHERE r.{rule.TimeColumn} < $1 - make_interval(days => {days}) GROUP BY 1, 2 ORDER BY 1
            """);
        command.CommandTimeout = 0;
        command.Parameters.AddWithValue(time.GetUtcNow());
        command.Parameters.AddWithValue(rule.Days);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<ExpiredRows>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add(
                new(rule.Table, await row.IsDBNullAsync(0, cancellationToken) ? null : row.GetString(0), row.GetInt32(1), row.GetInt64(2)));
        }

        return found;
    }

    // Tenant by tenant, so that each delete walks an index from the oldest row. Null: rows of tenants that are not there any more.
    private async Task<List<(string? Tenant, int Days)>> TenantsAsync(RetentionRule rule, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var tenants = await database.Tenants.Select(t => new { t.Id, t.RetentionDays }).ToListAsync(cancellationToken);
        return [.. tenants.Select(t => ((string?)t.Id, rule.IsTenants ? t.RetentionDays ?? rule.Days : rule.Days)), (null, rule.Days)];
    }

    private async Task<long> DeleteAsync(RetentionRule rule, string? tenant, int days, CancellationToken cancellationToken)
    {
        var whose = (rule.TenantColumn, tenant) switch
        {
            (null, _) => "$2::varchar IS NULL",
            (var column, null) => $"$2::varchar IS NULL AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.id = r.{column})",
            (var column, _) => $"r.{column} = $2",
        };

        // What ended by then was made by then.
        var order = rule.IsById ? "AND r.id < $4 ORDER BY r.id" : $"ORDER BY r.{rule.TimeColumn}";

        // What has parts goes a few at a time: each may have very many of them.
        var limit = rule.Parts.Count == 0 ? options.Value.BatchSize : Math.Min(options.Value.BatchSize, MaxWholes);
        var parts = string.Concat(rule.Parts.Select((part, number) =>
            $", part{number} AS (DELETE FROM {part.Table} p USING old WHERE p.{part.Column} = old.id)"));
        var sql = $"""
            WITH old AS MATERIALIZED (
                SELECT r.ctid AS place{(rule.Parts.Count == 0 ? "" : ", r.id")} FROM {rule.Table} r
                WHERE r.{rule.TimeColumn} < $1 AND {whose} {order} LIMIT $3){parts}
            DELETE FROM {rule.Table} WHERE ctid = ANY (ARRAY(SELECT place FROM old))
            """;
        var (before, total) = (Before(days), 0L);
        while (true)
        {
            await using var command = dataSource.CreateCommand(sql);
            command.CommandTimeout = 0;
            command.Parameters.AddWithValue(before);
            command.Parameters.AddWithValue(NpgsqlDbType.Varchar, (object?)tenant ?? DBNull.Value);
            command.Parameters.AddWithValue(limit);
            if (rule.IsById)
            {
                command.Parameters.AddWithValue(FirstId(before));
            }

            var deleted = await command.ExecuteNonQueryAsync(cancellationToken);
            total += deleted;
            if (deleted < limit)
            {
                return total;
            }

            await Task.Delay(options.Value.Pause, time, cancellationToken);
        }
    }
}
