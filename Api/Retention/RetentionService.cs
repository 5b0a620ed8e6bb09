using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.Retention;

/// <summary>Enforces the periods of <see cref="RetentionOptions"/> automatically.</summary>
public sealed partial class RetentionService(
    RetentionRun retention, IOptions<RetentionOptions> options, TimeProvider time, ILogger<RetentionService> logger) : BackgroundService
{
    /// <summary>Who prunes when nobody asked.</summary>
    public const string Actor = "platform";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    foreach (var expired in await retention.RunAsync(Actor, stoppingToken) ?? [])
                    {
                        LogDeleted(expired.Rows, expired.Table, expired.Tenant ?? "the platform", expired.Days);
                    }
                }
                catch (NpgsqlException exception)
                {
                    LogInterrupted(exception.Message);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopped; the next run takes the rest.
        }
    }

    [LoggerMessage(LogLevel.Information, "{Rows} rows of {Table} of {Tenant} were older than {Days} days and are gone")]
    private partial void LogDeleted(long rows, string table, string tenant, int days);

    [LoggerMessage(LogLevel.Warning, "Deleting what is too old was interrupted, going on at the next interval: {Reason}")]
    private partial void LogInterrupted(string reason);
}
