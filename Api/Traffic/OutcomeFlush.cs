using InferenceTemplate.Core;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Traffic;

/// <summary>Adds this replica's counts of outcomes to those of all, every second and when it stops.</summary>
internal sealed partial class OutcomeFlush(TrafficOutcomes outcomes, TimeProvider time, ILogger<OutcomeFlush> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await PeriodicLoop.RunAsync(Interval, _ => FlushAsync(), time, logger, stoppingToken);
        await FlushAsync();
    }

    private async Task FlushAsync()
    {
        try
        {
            await outcomes.FlushAsync();
        }
        catch (QueueUnavailableException exception)
        {
            LogLost(exception.InnerException!.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "A second's counts of outcomes are lost; canaries are judged by the others: {Reason}")]
    private partial void LogLost(string reason);
}
