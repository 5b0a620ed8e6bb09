using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Routing;

namespace InferenceTemplate.ServiceDefaults.Health;

/// <summary>The health endpoints. Their responses are not cacheable: the health check middleware says so.</summary>
internal static class HealthEndpoints
{
    public static void MapHealthEndpoints(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthChecks(
            DefaultPaths.Alive, new HealthCheckOptions { Predicate = check => check.Tags.Contains(HealthDefaults.Live) })
            .AllowAnonymous().DisableHttpMetrics();
        endpoints.MapHealthChecks(DefaultPaths.Health)
            .AllowAnonymous().DisableHttpMetrics();
    }
}
