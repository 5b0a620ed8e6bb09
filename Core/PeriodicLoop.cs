using System.Data.Common;
using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Core;

/// <summary>
/// How background services repeat what they do. A pass that fails is logged and the next one is tried: a server that is away, or one
/// wrong row, must not end the process.
/// </summary>
public static partial class PeriodicLoop
{
    /// <summary>Runs a pass each interval, and returns when the service is stopped.</summary>
    /// <param name="atOnce">Whether the first pass does not wait for an interval.</param>
    public static async Task RunAsync(
        TimeSpan interval, Func<CancellationToken, Task> pass, TimeProvider time, ILogger logger, CancellationToken stoppingToken,
        bool atOnce = false)
    {
        using var timer = new PeriodicTimer(interval, time);
        Type? failing = null;
        try
        {
            for (var due = atOnce || await timer.WaitForNextTickAsync(stoppingToken);
                due;
                due = await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await pass(stoppingToken);
                    failing = null;
                }
                catch (Exception exception) when (exception is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
                {
                    // Once for each outage.
                    if (failing != exception.GetType())
                    {
                        Report(logger, interval, exception);
                        failing = exception.GetType();
                    }
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopped. Another replica, or the next start, goes on.
        }
    }

    private static void Report(ILogger logger, TimeSpan interval, Exception exception)
    {
        // Entity Framework wraps what its driver says.
        var outage = exception;
        while (outage is not (null or DbException or QueueUnavailableException or IOException or TimeoutException))
        {
            outage = outage.InnerException;
        }

        switch (outage)
        {
            case null:
                LogFailed(logger, exception, interval.TotalSeconds);
                break;
            default:
                LogInterrupted(logger, interval.TotalSeconds, outage.InnerException?.Message ?? outage.Message);
                break;
        }
    }

    [LoggerMessage(LogLevel.Warning, "Interrupted, trying again every {Seconds} s: {Reason}")]
    private static partial void LogInterrupted(ILogger logger, double seconds, string reason);

    [LoggerMessage(LogLevel.Error, "Failed, trying again every {Seconds} s")]
    private static partial void LogFailed(ILogger logger, Exception exception, double seconds);
}
