using System.Collections.Concurrent;
using System.Globalization;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.Tenants;

/// <summary>
/// Tells once a month for each tenant that it came near a monthly limit, and once that it reached it: as a log line, a metric and an
/// event of audit. Which of all replicas tells is decided by the row of the month.
/// </summary>
public sealed partial class MonthAlerts(
    IDbContextFactory<InferenceDbContext> contexts,
    NpgsqlDataSource dataSource,
    AuditLog audit,
    TenantTelemetry telemetry,
    IOptions<TenantOptions> options,
    TimeProvider time,
    ILogger<MonthAlerts> logger)
{
    private const string AlertSql =
        "UPDATE tenant_months SET alerted_at = now() WHERE tenant_id = $1 AND month = $2 AND alerted_at IS NULL";

    // A month without sums yet has no row.
    private const string StopSql = """
        INSERT INTO tenant_months AS old (tenant_id, month, inferences, cost, stopped_at) VALUES ($1, $2, 0, 0, now())
        ON CONFLICT (tenant_id, month) DO UPDATE SET stopped_at = now() WHERE old.stopped_at IS NULL
        """;

    // What need not be asked again; forgotten when it grows.
    private const int MaxEntries = 10_000;

    private readonly ConcurrentDictionary<(string, DateOnly), bool> _stopped = new();

    /// <summary>Looks at tenants whose sums have grown.</summary>
    public async Task LookAsync(string[] tenants, CancellationToken cancellationToken)
    {
        var month = TenantAccount.MonthOf(time.GetUtcNow());
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var grown = await database.TenantMonths
            .Where(m => m.Month == month && tenants.Contains(m.TenantId) && (m.AlertedAt == null || m.StoppedAt == null))
            .Join(database.Tenants, m => m.TenantId, t => t.Id, (m, t) => new { Sums = m, Tenant = t })
            .AsNoTracking().ToListAsync(cancellationToken);
        foreach (var row in grown)
        {
            var account = new TenantAccount(
                row.Tenant.Id, options.Value.LimitsOf(row.Tenant), month, row.Sums.Inferences, row.Sums.Cost)
            {
                Tokens = row.Sums.Tokens,
            };
            if (row.Sums.AlertedAt is null
                && account.UsedPart >= options.Value.AlertAt && await MarkAsync(AlertSql, account, cancellationToken))
            {
                LogNear(account.Id, account.UsedPart, account.Inferences, account.Tokens, account.Cost);
                Tell("tenant.budget_alert", "alert", account);
            }

            if (account.IsOverBudget || account.IsOverQuota || account.IsOverTokens)
            {
                await StoppedAsync(account, cancellationToken);
            }
        }
    }

    /// <summary>Puts down that the tenant's work was stopped, unless that was told already.</summary>
    /// <exception cref="NpgsqlException">Postgres is away.</exception>
    public async Task StoppedAsync(TenantAccount account, CancellationToken cancellationToken)
    {
        if (_stopped.ContainsKey((account.Id, account.Month)))
        {
            return;
        }

        if (await MarkAsync(StopSql, account, cancellationToken))
        {
            LogStopped(account.Id, account.Inferences, account.Tokens, account.Cost);
            Tell("tenant.budget_stopped", "stop", account);
        }

        if (_stopped.Count >= MaxEntries)
        {
            _stopped.Clear();
        }

        _stopped[(account.Id, account.Month)] = true;
    }

    private async Task<bool> MarkAsync(string sql, TenantAccount account, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(sql);
        command.Parameters.AddWithValue(account.Id);
        command.Parameters.AddWithValue(account.Month);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    private void Tell(string action, string level, TenantAccount account)
    {
        telemetry.BudgetAlert(account.Id, level);
        audit.Record(new AuditEvent(action, "automatic", account.Id, account.Id, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["month"] = account.Month.ToString("yyyy-MM", CultureInfo.InvariantCulture),
            ["inferences"] = account.Inferences.ToString(CultureInfo.InvariantCulture),
            ["monthly_inferences"] = account.Limits.MonthlyInferences.ToString(CultureInfo.InvariantCulture),
            ["tokens"] = account.Tokens.ToString(CultureInfo.InvariantCulture),
            ["monthly_tokens"] = account.Limits.MonthlyTokens.ToString(CultureInfo.InvariantCulture),
            ["cost"] = account.Cost.ToString(CultureInfo.InvariantCulture),
            ["monthly_budget"] = account.Limits.MonthlyBudget.ToString(CultureInfo.InvariantCulture),
        }));
    }

    [LoggerMessage(LogLevel.Warning, "Tenant {Tenant} has used {Part:P0} of a monthly limit: {Inferences} inferences, {Tokens} tokens, cost {Cost}")]
    private partial void LogNear(string tenant, double part, long inferences, long tokens, decimal cost);

    [LoggerMessage(
        LogLevel.Warning,
        "Tenant {Tenant} has reached a monthly limit and is stopped until the next month: {Inferences} inferences, {Tokens} tokens, cost {Cost}")]
    private partial void LogStopped(string tenant, long inferences, long tokens, decimal cost);
}
