using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Data.Artifacts;

/// <summary>Removes, now and then, what broken-off uploads and interrupted deletions left in the store.</summary>
public sealed partial class ArtifactSweeper(ArtifactStore artifacts, TimeProvider time, ILogger<ArtifactSweeper> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await SweepAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next process goes on.
        }
    }

    private async Task SweepAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (await artifacts.SweepAsync(stoppingToken) is > 0 and var swept)
            {
                LogSwept(swept);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogFault(exception.Message);
        }
    }

    [LoggerMessage(LogLevel.Information, "Removed {Count} files from the artifact store that belonged to no version")]
    private partial void LogSwept(int count);

    [LoggerMessage(LogLevel.Warning, "The artifact store could not be swept, trying again in ten minutes: {Reason}")]
    private partial void LogFault(string reason);
}
