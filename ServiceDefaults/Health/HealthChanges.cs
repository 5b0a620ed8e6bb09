using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.ServiceDefaults.Health;

/// <summary>Logs each check's change of status once, where the probes alone would repeat the same failure every few seconds.</summary>
internal sealed partial class HealthChanges(ILogger<HealthChanges> logger) : IHealthCheckPublisher
{
    private readonly Dictionary<string, HealthStatus> _known = new(StringComparer.Ordinal);

    public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
    {
        foreach (var (name, entry) in report.Entries)
        {
            // What has always been healthy is not news.
            if (_known.GetValueOrDefault(name, HealthStatus.Healthy) != entry.Status)
            {
                var level = entry.Status == HealthStatus.Healthy ? LogLevel.Information : LogLevel.Warning;
                LogChange(level, entry.Exception, name, entry.Status, entry.Description);
            }

            _known[name] = entry.Status;
        }

        return Task.CompletedTask;
    }

    [LoggerMessage("Health check {Check} is {Status}: {Description}")]
    private partial void LogChange(LogLevel level, Exception? exception, string check, HealthStatus status, string? description);
}
