using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Core.Statistics;

/// <summary>Adds this process's counts to those of all, every second and when it stops.</summary>
internal sealed partial class StatisticsFlush(
    ModelStatistics statistics, TimeProvider time, ILogger<StatisticsFlush> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await PeriodicLoop.RunAsync(Interval, _ => statistics.FlushAsync(), time, logger, stoppingToken);
        try
        {
            await statistics.FlushAsync();
        }
        catch (QueueUnavailableException exception)
        {
            LogLost(exception.InnerException!.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The last statistics of this process could not be added to Redis: {Reason}")]
    private partial void LogLost(string reason);
}
