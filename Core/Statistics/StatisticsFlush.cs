using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Core.Statistics;

/// <summary>Adds this process's counts to those of all, every second and when it stops.</summary>
internal sealed partial class StatisticsFlush(
    ModelStatistics statistics, TimeProvider time, ILogger<StatisticsFlush> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private bool _failing;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await PeriodicLoop.RunAsync(Interval, _ => FlushAsync(), time, logger, stoppingToken);
        await FlushAsync();
    }

    private async Task FlushAsync()
    {
        try
        {
            await statistics.FlushAsync();
            _failing = false;
        }
        catch (QueueUnavailableException exception)
        {
            // Said once for each time that Redis is away.
            if (!_failing)
            {
                LogKept(exception.InnerException!.Message);
            }

            _failing = true;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Statistics of models can't be added to Redis now, and are kept until they can: {Reason}")]
    private partial void LogKept(string reason);
}
