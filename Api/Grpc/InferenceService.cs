using System.Security.Claims;
using Grpc.Core;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Grpc.Protocol;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using RunStatistics = InferenceTemplate.Core.Statistics.ModelStatistics;

namespace InferenceTemplate.Api.Grpc;

/// <summary>The methods of the protocol: each does what its path under <c>/v2</c> does, by the same code.</summary>
internal sealed class InferenceService(
    InferPipeline pipeline,
    ModelCatalog catalog,
    ModelRegistry registry,
    FleetRegistry fleet,
    RunStatistics statistics,
    HealthCheckService health,
    TrafficMeter traffic,
    AuditLog audit,
    CredentialCheck credentials,
    GrpcErrors errors,
    IHostApplicationLifetime lifetime,
    IOptions<GrpcOptions> options,
    IOptions<LimitOptions> limits,
    IOptions<QueueOptions> queue,
    TimeProvider time) : GRPCInferenceService.GRPCInferenceServiceBase
{
    [AllowAnonymous]
    public override Task<ServerLiveResponse> ServerLive(ServerLiveRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerLiveResponse { Live = true });

    [AllowAnonymous]
    public override async Task<ServerReadyResponse> ServerReady(ServerReadyRequest request, ServerCallContext context) =>
        new() { Ready = await Server.IsReadyAsync(health, context.CancellationToken) };

    public override Task<ServerMetadataResponse> ServerMetadata(ServerMetadataRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerMetadataResponse
        {
            Name = Server.Metadata.Name,
            Version = Server.Metadata.Version,
            Extensions = { Server.Metadata.Extensions },
        });

    public override async Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context)
    {
        // As Triton has it: what is not there is not ready, which is no error. Who waits for a model asks until it is.
        var version = Hidden(request.Name, request.Version, CallerOf(context), context) is null
            ? await catalog.FindAsync(request.Name, Named(request.Version), context.CancellationToken)
            : null;
        return new() { Ready = version is not null && await ModelMetadataEndpoints.IsReadyAsync(fleet, version) };
    }

    public override async Task<ModelMetadataResponse> ModelMetadata(ModelMetadataRequest request, ServerCallContext context)
    {
        var (snapshot, _) = await FindAsync(request.Name, request.Version, context);
        return ModelMessages.Of(ModelMetadataEndpoints.Of(snapshot, request.Name, Named(request.Version))!);
    }

    public override async Task<ModelConfigResponse> ModelConfig(ModelConfigRequest request, ServerCallContext context)
    {
        var (snapshot, version) = await FindAsync(request.Name, request.Version, context);
        var configuration = ModelConfiguration.Of(version, snapshot.SettingsOf(version.Model), await fleet.WorkersAsync(), queue.Value);
        return new() { Config = ModelMessages.Of(configuration) };
    }

    public override async Task<ModelStatisticsResponse> ModelStatistics(ModelStatisticsRequest request, ServerCallContext context)
    {
        var caller = CallerOf(context);
        IEnumerable<ModelVersion> versions;
        if (request.Name.Length == 0)
        {
            versions = (await catalog.AllAsync(context.CancellationToken)).Where(v => caller.MayUse(v.Model));
        }
        else
        {
            var (snapshot, version) = await FindAsync(request.Name, request.Version, context);
            versions = request.Version.Length == 0 ? snapshot.VersionsOf(request.Name) : [version];
        }

        return new() { ModelStats = { (await StatisticsEndpoints.EntriesAsync(versions, statistics)).Select(ModelMessages.Of) } };
    }

    public override async Task<ModelInferResponse> ModelInfer(ModelInferRequest request, ServerCallContext context)
    {
        var outcome = await InferAsync(request, CallerOf(context), context);
        var headers = context.GetHttpContext().Response.Headers;
        if (outcome.Tenant is { } tenant)
        {
            RateLimitHeaders.Set(headers, tenant, outcome.Standing);
        }

        if (outcome.Status != StatusCodes.Status200OK)
        {
            throw GrpcErrors.Of(outcome);
        }

        outcome.Parameters!.SetHeaders(headers);
        return InferMessages.Response(outcome);
    }

    public override async Task ModelStreamInfer(
        IAsyncStreamReader<ModelInferRequest> requestStream, IServerStreamWriter<ModelStreamInferResponse> responseStream,
        ServerCallContext context)
    {
        using var stream = new InferenceStream(
            requestStream,
            responseStream,
            () => StillAsync(context),
            async (request, caller) =>
            {
                var outcome = await InferAsync(request, caller, context);
                return outcome.Status == StatusCodes.Status200OK ? InferMessages.Response(outcome) : throw GrpcErrors.Of(outcome);
            },
            exception => errors.Translate(exception, context),
            options.Value.StreamConcurrency);
        await stream.RunAsync(lifetime.ApplicationStopping, context.CancellationToken);
    }

    [Authorize(Policy = Policies.Observe)]
    public override async Task<RepositoryIndexResponse> RepositoryIndex(RepositoryIndexRequest request, ServerCallContext context)
    {
        var entries = await Repository.EntriesAsync(CallerOf(context), request.Ready, catalog, fleet, context.CancellationToken);
        return new() { Models = { entries.Select(ModelMessages.Of) } };
    }

    [Authorize(Policy = Policies.Administer)]
    public override async Task<RepositoryModelLoadResponse> RepositoryModelLoad(
        RepositoryModelLoadRequest request, ServerCallContext context)
    {
        await SetAsync(request.ModelName, request.Parameters.Keys, Residency.Load, ModelEventKinds.Loaded, context);
        return new();
    }

    [Authorize(Policy = Policies.Administer)]
    public override async Task<RepositoryModelUnloadResponse> RepositoryModelUnload(
        RepositoryModelUnloadRequest request, ServerCallContext context)
    {
        await SetAsync(request.ModelName, request.Parameters.Keys, Residency.Unload, ModelEventKinds.Unloaded, context);
        return new();
    }

    private static ClaimsPrincipal CallerOf(ServerCallContext context) => context.GetHttpContext().User;

    // A stream may last for days, and its credential not as long. While Postgres is away nobody ends one.
    private async Task<ClaimsPrincipal> StillAsync(ServerCallContext context)
    {
        try
        {
            var (caller, refusal) = await credentials.CheckAsync(context.GetHttpContext());
            return caller ?? throw GrpcErrors.Of(StatusCodes.Status401Unauthorized, refusal!);
        }
        catch (Exception exception) when (Outages.IsDatabaseAway(exception))
        {
            return CallerOf(context);
        }
    }

    private static string? Named(string version) => version.Length == 0 ? null : version;

    private async Task<InferOutcome> InferAsync(ModelInferRequest request, ClaimsPrincipal caller, ServerCallContext context)
    {
        var (start, status) = (time.GetTimestamp(), StatusCodes.Status500InternalServerError);
        traffic.Begin();
        try
        {
            var outcome = await RunAsync(request, caller, context);
            status = outcome.Status;
            return outcome;
        }
        finally
        {
            traffic.End(time.GetElapsedTime(start), status);
        }
    }

    private async Task<InferOutcome> RunAsync(ModelInferRequest request, ClaimsPrincipal caller, ServerCallContext context)
    {
        if (Hidden(request.ModelName, request.ModelVersion, caller, context) is { } unknown)
        {
            return new(StatusCodes.Status404NotFound, unknown);
        }

        var cancellation = context.CancellationToken;
        var (admitted, refused) = await pipeline.AdmitAsync(
            caller, request.ModelName, Named(request.ModelVersion), waits: true, InferMessages.RawBytes(request), cancellation);
        if (admitted is null)
        {
            return refused!;
        }

        var deadline = context.Deadline == DateTime.MaxValue ? (DateTimeOffset?)null : new DateTimeOffset(context.Deadline, TimeSpan.Zero);
        var (body, unreadable) = await pipeline.ReadAsync(
            admitted, (request, limits.Value, Left: deadline - time.GetUtcNow()), static (source, routed) => new(InferInput.Fitting(
                InferMessages.Read(source.request, source.Value, source.Left), routed.Version, routed.Settings)));
        return body is null ? unreadable! : await pipeline.RunAsync(admitted, body, deadline, cancellation);
    }

    private async Task<(CatalogSnapshot Snapshot, ModelVersion Version)> FindAsync(string model, string version, ServerCallContext context)
    {
        var snapshot = await catalog.SnapshotAsync(context.CancellationToken);
        return Hidden(model, version, CallerOf(context), context) is { } unknown
            ? throw GrpcErrors.Of(StatusCodes.Status404NotFound, unknown)
            : snapshot.Find(model, Named(version)) is { } found ? (snapshot, found)
            : throw GrpcErrors.Of(StatusCodes.Status404NotFound, snapshot.WhyNot(model, Named(version)));
    }

    private async Task SetAsync(string model, IEnumerable<string> parameters, Residency residency, string kind, ServerCallContext context)
    {
        if (Hidden(model, "", CallerOf(context), context) is { } unknown)
        {
            throw GrpcErrors.Of(StatusCodes.Status404NotFound, unknown);
        }

        if (Repository.Refusal(model, parameters) is { } refused)
        {
            throw GrpcErrors.Of(StatusCodes.Status400BadRequest, refused);
        }

        if (await Repository.SetAsync(model, residency, kind, registry, CallerOf(context), context.CancellationToken) is { } problem)
        {
            throw GrpcErrors.Of(Repository.StatusOf(problem), problem.Message);
        }
    }

    // The model is in the message and not in a path: who may not use it is told here that there is none. Null for who may.
    private string? Hidden(string model, string version, ClaimsPrincipal caller, ServerCallContext context)
    {
        if (caller.MayUse(model))
        {
            return null;
        }

        RefusalAudit.Denied(audit, context.GetHttpContext(), model, "the model is not among those that the caller may use");
        return CatalogSnapshot.Empty.WhyNot(model, Named(version));
    }
}
