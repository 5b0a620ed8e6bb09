using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace InferenceTemplate.AppHost.Lifecycle;

/// <summary>
/// Stops the services before Postgres and Redis, so that what they hold is answered and written. The orchestrator, left alone, asks
/// all resources to end at the same moment.
/// </summary>
internal sealed class StopOrder(ResourceNotificationService notifications, GracefulStop stop) : IHostedLifecycleService, IDisposable
{
    private readonly ConcurrentDictionary<string, ResourceEvent> _replicas = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopped = new();

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _ = FollowAsync();
        return Task.CompletedTask;
    }

    /// <summary>Comes before the orchestrator is stopped.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_replicas.Values.Where(GracefulStop.Runs).Select(replica => stop.StopAsync(replica, cancellationToken)));

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _stopped.CancelAsync();

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stopped.Dispose();

    private async Task FollowAsync()
    {
        try
        {
            await foreach (var change in notifications.WatchAsync(_stopped.Token))
            {
                if (change.Resource is ProjectResource)
                {
                    _replicas[change.ResourceId] = change;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The platform has stopped.
        }
    }
}

internal static class StopOrderRegistration
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    public static void StopServicesBeforeServers(this IDistributedApplicationBuilder builder)
    {
        builder.Services.TryAddSingleton<GracefulStop>();
        builder.Services.AddHostedService<StopOrder>();

        // The default of 30 seconds is less than a drain and the servers' stop may take.
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = s_limit);

        // Else this process returns before its children have ended, and a second start finds their ports and files in use.
        builder.Configuration["DcpPublisher:WaitForResourceCleanup"] = "true";
    }
}
