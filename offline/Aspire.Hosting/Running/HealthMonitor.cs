using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Running;

/// <summary>Checks running resources: often until they are healthy, then now and then.</summary>
internal sealed class HealthMonitor(
    HealthCheckService checks,
    ResourceNotificationService notifications,
    IDistributedApplicationEventing eventing,
    ResourceConsole console,
    IServiceProvider services)
{
    private static readonly TimeSpan UntilHealthy = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan WhileHealthy = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Reminder = TimeSpan.FromSeconds(10);

    public async Task WatchAsync(IResource resource, CancellationToken cancellationToken)
    {
        var keys = resource.Annotations.OfType<HealthCheckAnnotation>().Select(h => h.Key).ToHashSet(StringComparer.Ordinal);
        var (ready, healthy) = (false, false);
        var lastWord = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var report = keys.Count == 0 ? null : await checks.CheckHealthAsync(r => keys.Contains(r.Name), cancellationToken);
            var status = report?.Status ?? HealthStatus.Healthy;
            await notifications.PublishUpdateAsync(resource, s => s.IsOver ? s : s with
            {
                HealthStatus = status,
                HealthReports = [.. report?.Entries.Select(e =>
                    new HealthReportSnapshot(e.Key, e.Value.Status, e.Value.Description, e.Value.Exception?.ToString())) ?? []],
            });
            if (status == HealthStatus.Healthy && !healthy)
            {
                console.Status(resource.Name, $"healthy{Addresses(resource)}");
                if (!ready)
                {
                    await eventing.PublishAsync(new ResourceReadyEvent(resource, services), cancellationToken);
                    await notifications.PublishUpdateAsync(resource, s => s with { IsReady = true });
                    ready = true;
                }
            }
            else if (status != HealthStatus.Healthy && (healthy || TimeProvider.System.GetElapsedTime(lastWord) > Reminder))
            {
                console.Status(resource.Name, $"{(healthy ? "unhealthy" : "not healthy yet")}: {Why(report!)}");
                lastWord = TimeProvider.System.GetTimestamp();
            }

            healthy = status == HealthStatus.Healthy;
            if (keys.Count == 0) return;

            await Task.Delay(healthy ? WhileHealthy : UntilHealthy, cancellationToken);
        }
    }

    private static string Why(HealthReport report) => string.Join("; ", report.Entries
        .Where(e => e.Value.Status != HealthStatus.Healthy)
        .Select(e => e.Value.Description ?? e.Value.Exception?.Message ?? e.Key));

    private static string Addresses(IResource resource)
    {
        var urls = new List<ResourceUrlAnnotation>(resource.Annotations.OfType<ResourceUrlAnnotation>());
        foreach (var endpoint in (resource as IResourceWithEndpoints)?.GetEndpoints().Where(e => e.IsHttp || e.IsHttps) ?? [])
        {
            var url = new ResourceUrlAnnotation { Url = endpoint.Url, Endpoint = endpoint };
            foreach (var change in resource.Annotations.OfType<UrlForEndpoint>().Where(u => u.EndpointName == endpoint.EndpointName))
                change.Change(url);

            urls.Add(url);
        }

        return urls.Count == 0
            ? string.Empty
            : " at " + string.Join(", ", urls.Select(u => u.DisplayText is null ? u.Url : $"{u.Url} ({u.DisplayText})"));
    }
}
