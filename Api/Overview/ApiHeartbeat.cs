using InferenceTemplate.Core;
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
        await PeriodicLoop.RunAsync(Interval, _ => fleet.ReportAsync(Status()), time, logger, stoppingToken, atOnce: true);
        try
        {
            await fleet.LeaveAsync(Status());
        }
        catch (QueueUnavailableException exception)
        {
            LogSilent(exception.InnerException!.Message);
        }
    }

    private ApiStatus Status()
    {
        var (requests, errors, rejections, inFlight, latencies) = traffic.Read();
        return new ApiStatus(inbox.Replica, Environment.MachineName, _started, requests, errors, rejections, inFlight, latencies)
        {
            Build = RunningBuild.Version,
        };
    }

    [LoggerMessage(LogLevel.Warning, "The fleet could not be told that this Api replica leaves: {Reason}")]
    private partial void LogSilent(string reason);
}
