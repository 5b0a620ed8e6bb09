using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace InferenceTemplate.Data;

/// <summary>Applies migrations under a database lock, so that replicas that start together take turns.</summary>
public sealed partial class SchemaMigrator(
    NpgsqlDataSource dataSource, IDbContextFactory<InferenceDbContext> contexts, ILogger<SchemaMigrator> logger)
{
    // EF Core's own lock ends with each migration's transaction: with two pending, a second replica slips in between.
    // This one is held by a transaction of its own until all are applied, which also suits PgBouncer's transaction mode.
    private const string Lock = "SELECT pg_advisory_xact_lock(hashtext('inference.migrations'))";

    /// <summary>Applies what is pending; while the database can't be reached, tries again every second.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
                await using var held = await connection.BeginTransactionAsync(cancellationToken);
                await using var take = new NpgsqlCommand(Lock, connection, held) { CommandTimeout = 0 };
                await take.ExecuteNonQueryAsync(cancellationToken);
                if (await AppliedMigrations.PendingAsync(connection, cancellationToken) > 0)
                {
                    await using var database = await contexts.CreateDbContextAsync(cancellationToken);
                    await database.Database.MigrateAsync(cancellationToken);
                }

                await using var appendOnly = dataSource.CreateCommand(AuditSchema.AppendOnly);
                await appendOnly.ExecuteNonQueryAsync(cancellationToken);
                LogCurrent();
                return;
            }
            catch (Exception exception) when (Outages.IsDatabaseAway(exception))
            {
                LogUnreachable(exception.GetBaseException().Message);
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "The database schema is current")]
    private partial void LogCurrent();

    [LoggerMessage(LogLevel.Warning, "The database can't be migrated yet, trying again in a second: {Reason}")]
    private partial void LogUnreachable(string reason);
}
