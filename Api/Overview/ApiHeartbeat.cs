using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Overview;

/// <summary>Tells the fleet every second what this replica does.</summary>
internal sealed partial class ApiHeartbeat(
    FleetRegistry fleet, TrafficMeter traffic, ReplyInbox inbox, TimeProvider time, ILogger<ApiHeartbeat> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly DateTimeOffset _started = time.GetUtcNow();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                await TryAsync(() => fleet.ReportAsync(Status()));
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await TryAsync(() => fleet.LeaveAsync(Status()));
        }
    }

    private async Task TryAsync(Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (QueueUnavailableException exception)
        {
            LogSilent(exception.InnerException!.Message);
        }
    }

    private ApiStatus Status()
    {
        var (requests, errors, inFlight, latencies) = traffic.Read();
        return new ApiStatus(inbox.Replica, Environment.MachineName, _started, requests, errors, inFlight, latencies);
    }

    [LoggerMessage(LogLevel.Warning, "The fleet could not be told of this Api replica: {Reason}")]
    private partial void LogSilent(string reason);
}
