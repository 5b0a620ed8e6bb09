using Npgsql;

namespace InferenceTemplate.Api.Features;

/// <summary>Reads the flags twice a second, so that a change is everywhere within one.</summary>
public sealed partial class FeatureRefresh(
    FeatureDefinitions definitions, TimeProvider time, ILogger<FeatureRefresh> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private bool _blind;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                await RefreshAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        try
        {
            await definitions.RefreshAsync(cancellationToken);
            _blind = false;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // One line for each outage. Before the schema is current there are no flags to read.
            var isSchema = (exception as PostgresException
                ?? exception.InnerException as PostgresException)?.SqlState == PostgresErrorCodes.UndefinedTable;
            if (!_blind && !isSchema)
            {
                LogBlind(exception.Message);
                _blind = true;
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "The feature flags can't be read; what was known last holds: {Reason}")]
    private partial void LogBlind(string reason);
}
