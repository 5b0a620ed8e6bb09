using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace InferenceTemplate.ServiceDefaults.Health;

/// <summary>The answer of <c>/health/detailed</c>.</summary>
/// <param name="Status">The worst of the checks': Healthy, Degraded or Unhealthy.</param>
/// <param name="DurationMs">Milliseconds until the last check had answered.</param>
/// <param name="Checks">One entry a component.</param>
public sealed record DetailedHealth(string Status, double DurationMs, IReadOnlyList<ComponentHealth> Checks)
{
    internal static Task WriteAsync(HttpContext context, HealthReport report)
    {
        var checks = report.Entries.Select(entry => new ComponentHealth(
            entry.Key,
            entry.Value.Status.ToString(),
            entry.Value.Description,
            entry.Value.Duration.TotalMilliseconds,
            entry.Value.Exception?.Message)).ToList();
        var health = new DetailedHealth(report.Status.ToString(), report.TotalDuration.TotalMilliseconds, checks);
        return context.Response.WriteAsJsonAsync(health, HealthJson.Default.DetailedHealth, cancellationToken: context.RequestAborted);
    }
}

/// <summary>One component's health.</summary>
/// <param name="Name">The name that the check was registered under.</param>
/// <param name="Status">Healthy, Degraded or Unhealthy.</param>
/// <param name="Description">What the check has to say, if anything.</param>
/// <param name="DurationMs">Milliseconds that the check took.</param>
/// <param name="Error">The message of the exception that failed it, if one did.</param>
public sealed record ComponentHealth(string Name, string Status, string? Description, double DurationMs, string? Error);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(DetailedHealth))]
internal sealed partial class HealthJson : JsonSerializerContext;
