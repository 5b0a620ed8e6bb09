using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace InferenceTemplate.Data;

/// <summary>
/// Applies migrations under a database lock, so that replicas that start together take turns; makes the database where there is none.
/// </summary>
public sealed partial class SchemaMigrator(
    NpgsqlDataSource dataSource, IDbContextFactory<InferenceDbContext> contexts, ILogger<SchemaMigrator> logger)
{
    // Short, since all replicas that start with the one that migrates wait for it.
    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(200);

    /// <summary>Applies what is pending; while the database can't be reached, tries again every second.</summary>
    /// <exception cref="NpgsqlException">The database refuses, or did not prove who it is.</exception>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                // EF Core's own lock ends with each migration's transaction: with two pending, a second replica slips in between. Who
                // does not get this one lets go of its connection: behind PgBouncer those who wait could hold all that the one needs.
                await using var lead = await LeaderLock.TryTakeAsync(dataSource, "migrations", cancellationToken, endsWhenSilent: false);
                if (lead is null)
                {
                    await Task.Delay(s_turn, cancellationToken);
                    continue;
                }

                if (await PendingAsync(cancellationToken) > 0)
                {
                    // An index of a table with years of records takes its time.
                    await using var database = await contexts.CreateDbContextAsync(cancellationToken);
                    database.Database.SetCommandTimeout(0);
                    await database.Database.MigrateAsync(cancellationToken);
                }

                await using var appendOnly = dataSource.CreateCommand(AuditSchema.AppendOnly);
                await appendOnly.ExecuteNonQueryAsync(cancellationToken);
                LogCurrent();
                return;
            }
            catch (Exception exception) when (Outages.IsDatabaseAway(exception))
            {
                await AwaitServerAsync(exception, cancellationToken);
            }
            catch (NpgsqlException exception) when (DatabaseCreation.IsMissing(exception))
            {
                await CreateAsync(cancellationToken);
            }
            catch (NpgsqlException exception)
            {
                LogRefused(exception.GetBaseException().Message);
                throw;
            }
        }
    }

    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await DatabaseCreation.CreateAsync(dataSource, cancellationToken))
            {
                LogCreated();
                return;
            }

            await Task.Delay(s_turn, cancellationToken);
        }
        catch (DatabaseMissingException exception)
        {
            LogMissing(exception.Message);
            throw;
        }
        catch (Exception exception) when (Outages.IsDatabaseAway(exception))
        {
            await AwaitServerAsync(exception, cancellationToken);
        }
    }

    private async Task AwaitServerAsync(Exception exception, CancellationToken cancellationToken)
    {
        LogUnreachable(exception.GetBaseException().Message);
        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
    }

    // On a connection that is given back at once: EF Core locks the table that is read here, and the lead's transaction stays open.
    private async Task<int> PendingAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        return await AppliedMigrations.PendingAsync(connection, cancellationToken);
    }

    [LoggerMessage(LogLevel.Information, "The database schema is current")]
    private partial void LogCurrent();

    [LoggerMessage(LogLevel.Information, "The server had no such database: it was created")]
    private partial void LogCreated();

    [LoggerMessage(LogLevel.Critical, "Trying again would not help: {Reason}")]
    private partial void LogMissing(string reason);

    [LoggerMessage(LogLevel.Warning, "The database can't be migrated yet, trying again in a second: {Reason}")]
    private partial void LogUnreachable(string reason);

    [LoggerMessage(
        LogLevel.Critical,
        "Postgres can't be used as ConnectionStrings:inference has it (login, Host, SSL Mode, Root Certificate), and trying again would not help: {Reason}")]
    private partial void LogRefused(string reason);
}
