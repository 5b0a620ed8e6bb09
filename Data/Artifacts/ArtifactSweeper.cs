using InferenceTemplate.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Data.Artifacts;

/// <summary>Removes, now and then, what broken-off uploads and interrupted deletions left in the store.</summary>
public sealed partial class ArtifactSweeper(ArtifactStore artifacts, TimeProvider time, ILogger<ArtifactSweeper> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(Interval, SweepAsync, time, logger, stoppingToken);

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        if (await artifacts.SweepAsync(cancellationToken) is > 0 and var swept)
        {
            LogSwept(swept);
        }
    }

    [LoggerMessage(LogLevel.Information, "Removed {Count} files from the artifact store that belonged to no version")]
    private partial void LogSwept(int count);
}
