using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Overview;

/// <summary><c>GET /v1/overview</c>, for the dashboard.</summary>
internal static class OverviewEndpoint
{
    public static IServiceCollection AddOverview(this IServiceCollection services)
    {
        services.AddSingleton<TrafficMeter>();
        services.AddHostedService<ApiHeartbeat>();
        services.AddHostedServiceAfterSchema<TrafficHistory>();
        return services;
    }

    public static void MapOverview(this IEndpointRouteBuilder endpoints)
    {
        var overview = endpoints.MapGroup("/v1/overview").RequireAuthorization(Policies.Observe);
        overview.MapGet("", GetAsync).WithSummary("State of the whole platform").Produces<PlatformOverview>();
        overview.MapGet("/history", TrafficHistory.GetAsync)
            .WithSummary("Traffic of the last hour, day or week").Produces<TrafficHistoryView>();
        overview.MapGet("/changes", PlatformChanges.GetAsync)
            .WithSummary("What was done to models and their traffic in the last hour, day or week").Produces<PlatformChangesView>();
        overview.MapGet("/objectives", ObjectiveStatus.GetAsync)
            .WithSummary("Whether the service keeps what it promises, and how fast its error budgets burn").Produces<ObjectivesView>();
    }

    private static async Task<JsonHttpResult<PlatformOverview>> GetAsync(
        FleetRegistry fleet,
        ModelCatalog catalog,
        QueueTotals queue,
        RecentDecisions decisions,
        ClaimsPrincipal caller,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        var versions = snapshot.Versions.Where(v => caller.MayUse(v.Model)).ToList();
        var apis = await fleet.ApisAsync();
        var workers = await fleet.WorkersAsync();
        var queues = await queue.StatsAsync(versions.Select(v => new QueueName(v.Model, v.Version)));
        var overview = new PlatformOverview(
            time.GetUtcNow(),
            apis.Sum(a => a.RequestsPerSecond),
            apis.Sum(a => a.ErrorsPerSecond),
            apis.Sum(a => a.RejectionsPerSecond),
            LatencyQuantiles.Of(apis.Aggregate(LatencyBuckets.Empty(), (sum, api) => sum.Plus(api.Latencies))),
            queues.Sum(q => q.Depth),
            queues.Select(q => q.OldestAge.TotalSeconds).DefaultIfEmpty().Max(),
            apis.Sum(a => a.InFlight),
            [.. apis.OrderBy(a => a.Started).Select(ToOverview)],
            [.. workers.OrderBy(w => w.Started).Select(w => ToOverview(w, caller))],
            [.. versions.Zip(queues, (version, stats) => ToOverview(version, snapshot.SettingsOf(version.Model), stats.Depth, workers))],
            [.. (await decisions.AllAsync(cancellationToken)).Where(d => caller.MayUse(d.Model)).Select(DecisionStatus.From)]);
        return TypedResults.Json(overview, ApiJson.Default.PlatformOverview);
    }

    private static ApiOverview ToOverview(ApiStatus api)
    {
        var latency = LatencyQuantiles.Of(api.Latencies);
        return new ApiOverview(
            api.Id, api.Host, api.Started, api.RequestsPerSecond, api.ErrorsPerSecond, api.RejectionsPerSecond, api.InFlight,
            latency.P50, latency.P95, latency.P99);
    }

    // What a worker has open and could not load tells of models too, named model/version.
    private static WorkerStatus ToOverview(WorkerStatus worker, ClaimsPrincipal caller)
    {
        bool MayUse(string version) => caller.MayUse(version.Split('/')[0]);
        return worker with
        {
            Models = [.. worker.Models.Where(MayUse)],
            Cache = [.. worker.Cache.Where(c => MayUse(c.Model))],
            Failures = [.. worker.Failures.Where(f => MayUse(f.Model))],
            Direct = null, // an address inside
            DirectQueues = [.. worker.DirectQueues.Where(q => MayUse(q.Model))],
        };
    }

    private static ModelOverview ToOverview(
        Data.ModelVersion version, ModelSettings settings, long depth, IReadOnlyList<WorkerStatus> workers)
    {
        var name = $"{version.Model}/{version.Version}";
        var serving = workers.Count(w => w.Ready && w.Models.Contains(name, StringComparer.Ordinal));
        return new ModelOverview(
            version.Model,
            version.Version,
            version.Platform,
            workers.StateOf(name).ToString().ToLowerInvariant(),
            serving,
            depth,
            BatchDecision.Of(version, settings),
            TensorMetadata.From(version.Signature.Inputs),
            TensorMetadata.From(version.Signature.Outputs),
            ImageInput.Of(version.Metadata));
    }
}
