using System.Security.Cryptography;
using System.Text;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Scaling;

/// <summary>
/// <c>GET /scaling/workers</c>, for KEDA's <c>metrics-api</c> scaler. Not for the world: it is off the ingress, and its caller has a token
/// of its own, which opens nothing else.
/// </summary>
internal static class WorkerScalingEndpoint
{
    private const string Scheme = "Bearer ";

    public static IServiceCollection AddScaling(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ScalingOptions>()
            .Bind(configuration.GetSection(ScalingOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        return services;
    }

    public static void MapScaling(this WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<ScalingOptions>>().Value.Token is { Length: > 0 } token)
        {
            var expected = Hash(Scheme + token);
            app.MapGet("/scaling/workers", GetAsync).AllowAnonymous().ExcludeFromDescription().AddEndpointFilter(async (context, next) =>
                CryptographicOperations.FixedTimeEquals(expected, Hash(context.HttpContext.Request.Headers.Authorization.ToString()))
                    ? await next(context)
                    : TypedResults.Unauthorized());
        }
    }

    private static async Task<JsonHttpResult<WorkerDemand>> GetAsync(
        FleetRegistry fleet, ModelCatalog catalog, QueueTotals queue, CancellationToken cancellationToken)
    {
        var versions = (await catalog.SnapshotAsync(cancellationToken)).AllVersions;
        var queues = await queue.StatsAsync(
            versions.Where(v => v.State == VersionState.Ready).Select(v => new QueueName(v.Model, v.Version)));
        long[] depths = [.. queues.Select(q => q.Depth)];
        var workers = await fleet.WorkersAsync();
        return TypedResults.Json(
            WorkerDemand.Of(depths, versions.Count(v => v.State == VersionState.Pending), workers.Count), ScalingJson.Default.WorkerDemand);
    }

    // Of one length, so that the comparison tells nothing of the token.
    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
