using InferenceTemplate.Core;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Retention;

/// <summary>Enforces the periods of <see cref="RetentionOptions"/> automatically.</summary>
public sealed partial class RetentionService(
    RetentionRun retention, IOptions<RetentionOptions> options, TimeProvider time, ILogger<RetentionService> logger) : BackgroundService
{
    /// <summary>Who prunes when nobody asked.</summary>
    public const string Actor = "platform";

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(options.Value.Interval, PruneAsync, time, logger, stoppingToken);

    private async Task PruneAsync(CancellationToken cancellationToken)
    {
        foreach (var expired in await retention.RunAsync(Actor, cancellationToken) ?? [])
        {
            LogDeleted(expired.Rows, expired.Table, expired.Tenant ?? "the platform", expired.Days);
        }
    }

    [LoggerMessage(LogLevel.Information, "{Rows} rows of {Table} of {Tenant} were older than {Days} days and are gone")]
    private partial void LogDeleted(long rows, string table, string tenant, int days);
}
