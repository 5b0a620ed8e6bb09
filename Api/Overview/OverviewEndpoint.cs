using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Fleet;
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
        services.AddSingleton<FleetSnapshot>();
        services.AddSingleton<JobTotals>();
        services.AddHostedService<ApiHeartbeat>();
        services.AddHostedServiceAfterSchema<TrafficHistory>();
        services.AddHostedServiceAfterSchema<QueueHistory>();
        return services;
    }

    public static void MapOverview(this IEndpointRouteBuilder endpoints)
    {
        var overview = endpoints.MapGroup("/v1/overview").RequireAuthorization(Policies.Observe);
        overview.MapGet("", GetAsync).WithSummary("State of the whole platform").Produces<PlatformOverview>();
        overview.MapGet("/history", TrafficHistory.GetAsync)
            .WithSummary("Traffic of the last hour, day or week").Produces<TrafficHistoryView>().WithReadSlot();
        overview.MapGet("/changes", PlatformChanges.GetAsync)
            .WithSummary("What was done to models and their traffic in the last hour, day or week").Produces<PlatformChangesView>()
            .WithReadSlot();
        overview.MapGet("/objectives", ObjectiveStatus.GetAsync)
            .WithSummary("Whether the service keeps what it promises, and how fast its error budgets burn").Produces<ObjectivesView>()
            .WithReadSlot();
    }

    private static async Task<JsonHttpResult<PlatformOverview>> GetAsync(
        FleetSnapshot fleet,
        RecentDecisions decisions,
        JobTotals jobs,
        ClaimsPrincipal caller,
        CancellationToken cancellationToken)
    {
        var (time, snapshot, apis, workers, all) = await fleet.GetAsync(cancellationToken);
        var visible = all.Where(queue => caller.MayUse(queue.Version.Model)).ToList();
        var queues = visible.ConvertAll(queue => queue.Stats);
        var served = snapshot.Versions.ToHashSet();

        var overview = new PlatformOverview(
            time,
            apis.Sum(a => a.RequestsPerSecond),
            apis.Sum(a => a.ErrorsPerSecond),
            apis.Sum(a => a.RejectionsPerSecond),
            LatencyQuantiles.Of(apis.Aggregate(LatencyBuckets.Empty(), (sum, api) => sum.Plus(api.Latencies))),
            queues.Sum(q => q.Depth),
            queues.Select(q => q.OldestAge.TotalSeconds).DefaultIfEmpty().Max(),
            queues.Sum(q => q.DeadLetters),
            await jobs.PendingAsync(caller, cancellationToken),
            apis.Sum(a => a.InFlight),
            [.. apis.OrderBy(a => a.Started).Select(ToOverview)],
            [.. workers.OrderBy(w => w.Started).Select(w => ToOverview(w, caller))],
            [.. visible.Where(queue => served.Contains(queue.Version)).Select(queue =>
                ToOverview(queue.Version, snapshot.SettingsOf(queue.Version.Model), queue.Stats.Depth, workers))],
            [.. (await decisions.AllAsync(cancellationToken)).Where(d => caller.MayUse(d.Model))]);
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
