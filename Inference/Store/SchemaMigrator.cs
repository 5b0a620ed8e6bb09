using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace InferenceTemplate.Inference.Store;

/// <summary>Applies migrations under EF Core's database lock, so replicas that start together take turns.</summary>
public sealed partial class SchemaMigrator(IDbContextFactory<InferenceDbContext> contexts, ILogger<SchemaMigrator> logger)
{
    /// <summary>Applies what is pending; while the database can't be reached, tries again every second.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await using var database = await contexts.CreateDbContextAsync(cancellationToken);
                await database.Database.MigrateAsync(cancellationToken);
                LogCurrent();
                return;
            }
            catch (NpgsqlException exception) when (exception.IsTransient)
            {
                LogUnreachable(exception.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "The database schema is current")]
    private partial void LogCurrent();

    [LoggerMessage(LogLevel.Warning, "The database can't be migrated yet, trying again in a second: {Reason}")]
    private partial void LogUnreachable(string reason);
}
