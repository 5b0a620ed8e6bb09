using System.Reflection;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace InferenceTemplate.Api.Inference;

internal sealed record ServerMetadata(string Name, string Version, string[] Extensions);

internal sealed record ServerLive(bool Live);

/// <summary>The protocol's text names the key <c>live</c>, its implementations send <c>ready</c>: clients find either.</summary>
internal sealed record ServerReady(bool Live, bool Ready);

/// <summary><c>GET /v2</c> and <c>GET /v2/health/{live,ready}</c>.</summary>
internal static class Server
{
    public static readonly ServerMetadata Metadata = new(
        "InferenceTemplate",
        typeof(Server).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0],
        Extensions: ["model_repository", "model_configuration", "statistics", "schedule_policy", "parameters", "binary_tensor_data",
            "classification"]);

    public static void MapServer(this IEndpointRouteBuilder v2)
    {
        v2.MapRead("", () => TypedResults.Json(Metadata, ApiJson.Default.ServerMetadata))
            .WithSummary("Name, version and extensions of the server")
            .Produces<ServerMetadata>();
        v2.MapRead("/health/live", () => TypedResults.Json(new ServerLive(true), ApiJson.Default.ServerLive), anonymous: true)
            .WithSummary("Whether the server is alive")
            .Produces<ServerLive>();
        v2.MapRead("/health/ready", ReadyAsync, anonymous: true)
            .WithSummary("Whether the server is ready")
            .Produces<ServerReady>()
            .Produces<ServerReady>(StatusCodes.Status503ServiceUnavailable);
    }

    public static async Task<bool> IsReadyAsync(HealthCheckService health, CancellationToken cancellationToken) =>
        (await health.CheckHealthAsync(cancellationToken)).Status != HealthStatus.Unhealthy;

    private static async Task<JsonHttpResult<ServerReady>> ReadyAsync(HealthCheckService health, CancellationToken cancellationToken)
    {
        var ready = await IsReadyAsync(health, cancellationToken);
        return TypedResults.Json(
            new ServerReady(ready, ready),
            ApiJson.Default.ServerReady,
            statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }
}
