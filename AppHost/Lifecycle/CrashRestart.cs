using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.AppHost.Lifecycle;

/// <summary>
/// Starts a service anew whose process died, as a cluster does. One that was stopped or drained stays so, and one that dies again and
/// again is left to its log.
/// </summary>
internal sealed partial class CrashRestart(
    ResourceNotificationService notifications, ResourceCommandService commands, TimeProvider time,
    ILogger<CrashRestart> logger) : BackgroundService
{
    private const int Limit = 3;

    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, string> _states = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Queue<DateTimeOffset>> _restarts = new(StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var change in notifications.WatchAsync(stoppingToken))
        {
            if (change.Resource is not ProjectResource || change.Snapshot.State?.Text is not { } state)
            {
                continue;
            }

            var before = _states.GetValueOrDefault(change.ResourceId);
            _states[change.ResourceId] = state;

            // A stop comes by way of Stopping, and a drain ends with 0.
            if (before == KnownResourceStates.Running
                && KnownResourceStates.TerminalStates.Contains(state) && change.Snapshot.ExitCode is not (0 or null))
            {
                await RestartAsync(change.ResourceId, change.Snapshot.ExitCode.Value, stoppingToken);
            }
        }
    }

    private async Task RestartAsync(string replica, int exitCode, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var recent = _restarts.GetOrAdd(replica, _ => new());
        while (recent.TryPeek(out var oldest) && now - oldest > s_window)
        {
            recent.Dequeue();
        }

        if (recent.Count == Limit)
        {
            LogGivenUp(replica, exitCode, Limit, s_window.TotalMinutes);
            return;
        }

        recent.Enqueue(now);
        LogRestart(replica, exitCode, recent.Count, Limit);
        var started = await commands.ExecuteCommandAsync(replica, KnownResourceCommands.StartCommand, cancellationToken);
        if (!started.Success)
        {
            LogFailed(replica, started.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Replica} ended with exit code {ExitCode}: starting it again ({Count} of {Limit})")]
    private partial void LogRestart(string replica, int exitCode, int count, int limit);

    [LoggerMessage(
        LogLevel.Error, "{Replica} ended with exit code {ExitCode} and stays down, after {Limit} restarts within {Minutes} minutes: read its log, then start it in the dashboard")]
    private partial void LogGivenUp(string replica, int exitCode, int limit, double minutes);

    [LoggerMessage(LogLevel.Error, "{Replica} could not be started again: {Reason}")]
    private partial void LogFailed(string replica, string? reason);
}

internal static class CrashRestartRegistration
{
    public static void RestartCrashedServices(this IDistributedApplicationBuilder builder)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddHostedService<CrashRestart>();
    }
}
