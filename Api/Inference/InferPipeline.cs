using System.Runtime.CompilerServices;
using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Caching;
using InferenceTemplate.Api.Features;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Core.Triton;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// What becomes of a request for inference, whatever protocol it came by. Three steps in this order, each of which ends it or hands it on:
/// <see cref="AdmitAsync"/> (route, limits; before the body is read), <see cref="ReadAsync"/> (the body against the model),
/// <see cref="RunAsync"/> (call, record). The protocol says how a body is read and how the outcome is told.
/// </summary>
internal sealed class InferPipeline(
    ModelCatalog catalog,
    ModelRouting routing,
    FallbackRouting fallbacks,
    CachedCalls calls,
    TenantGate gate,
    InferRecords records,
    ShadowMirror shadows,
    FeatureSwitches features,
    Telemetry telemetry,
    TritonMetrics triton,
    TimeProvider time)
{
    /// <param name="waits">Whether the caller waits for the answer: a job is accepted whatever stands in the way of running it now.</param>
    /// <param name="bytes">Of the body, where known.</param>
    /// <returns>The request, or how it ended.</returns>
    public async ValueTask<(AdmittedRequest? Request, InferOutcome? Ended)> AdmitAsync(
        ClaimsPrincipal caller, string model, string? version, bool waits, long? bytes, CancellationToken cancellationToken)
    {
        var (receivedAt, start) = (time.GetUtcNow(), time.GetTimestamp());
        var found = await routing.RouteAsync(model, version, caller, cancellationToken)
            ?? await fallbacks.OfLackingAsync(model, version, cancellationToken);
        if (found is not { } routed)
        {
            return (null, new(StatusCodes.Status404NotFound, (await catalog.SnapshotAsync(cancellationToken)).WhyNot(model, version)));
        }

        routed = waits ? await fallbacks.RouteAsync(routed, cancellationToken) : routed;
        if (routed.Unavailable is { } unavailable)
        {
            records.Refused(routed.Version, time.GetElapsedTime(start));
            return (null, Refused(caller, routed, receivedAt, start, new(
                StatusCodes.Status503ServiceUnavailable,
                $"no worker can load {routed.Version.Model}/{routed.Version.Version} now: {unavailable.Reason}")
            {
                RetryAfter = (int)Math.Ceiling(unavailable.RetryAfter.TotalSeconds),
            }));
        }

        var tenant = await gate.FindAsync(caller, cancellationToken);
        var request = new AdmittedRequest(caller, routed, tenant, bytes, receivedAt, start);
        if (gate.RefusalWithoutAsking(tenant, routed.Version) is { } overLimit)
        {
            return (null, Refused(request, overLimit));
        }

        if (waits && calls.RefusalWithoutAsking(routed, bytes) is { } refusal)
        {
            records.Refused(routed.Version, time.GetElapsedTime(start));
            return (null, Refused(request, refusal));
        }

        return (request, null);
    }

    /// <summary>Reads the body by the protocol's own means.</summary>
    /// <param name="source">What it is read from, for <paramref name="readAsync"/>, which need not be made for each request then.</param>
    /// <returns>The body with the priority that the tenant may have, or how the request ended.</returns>
    public async ValueTask<(InferBody? Body, InferOutcome? Ended)> ReadAsync<T>(
        AdmittedRequest request, T source, Func<T, RoutedModel, ValueTask<InferBody>> readAsync)
    {
        try
        {
            var body = await readAsync(source, request.Routed);
            var priority = request.Tenant.Limits.Lower(body.Priority);
            return (priority == body.Priority ? body : body with { Priority = priority, IsLowered = true }, null);
        }
        catch (InvalidInferBodyException exception)
        {
            return (null, Refused(request, new InferOutcome(StatusCodes.Status400BadRequest, exception.Message)));
        }
        catch (BadHttpRequestException exception)
        {
            // Too many bodies at once: some come to their end any moment.
            return (null, Refused(request, new InferOutcome(exception.StatusCode, exception.Message)
            {
                RetryAfter = exception.StatusCode is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable ? 1 : null,
            }));
        }
    }

    /// <param name="deadline">When the caller stops waiting, where its protocol tells; else it is known only that it left.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<InferOutcome> RunAsync(
        AdmittedRequest request, InferBody body, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        var (routed, start) = (request.Routed, time.GetTimestamp());
        var ended = await CallAsync(routed, request.Tenant, body, request.Bytes, deadline, cancellationToken);
        if (ended.Reply is { Outcome: ReplyOutcome.Unavailable or ReplyOutcome.NotLoaded }
            && body.Parts is not { HasBegun: true }
            && await fallbacks.InsteadOfAsync(routed, cancellationToken) is { } instead)
        {
            // It was queued before anybody knew that it can't be loaded.
            routed = instead;
            var standing = ended.Standing;
            var late = body.Within(calls.TimeFor(body.Timeout) - time.GetElapsedTime(start));
            ended = await CallAsync(routed, request.Tenant.Uncounted(), late, request.Bytes, deadline, cancellationToken);
            ended = ended with { Standing = standing };
        }

        var outcome = Told(request, routed, body, ended);
        if (ended is { CacheHit: not true, Reply: { } answer, Status: StatusCodes.Status200OK }
            && routed.Shadow is not null
            && await features.IsOnAsync(FeatureNames.ShadowTraffic, request.Caller.TenantId()))
        {
            shadows.Mirror(routed, request.Caller.TenantId(), body, answer);
        }

        return outcome;
    }

    private InferOutcome Told(AdmittedRequest request, RoutedModel routed, InferBody body, InferenceCallResult ended)
    {
        var (reply, tooMany) = Classification.Of(ended, routed.Version, body.Forms);
        var total = time.GetElapsedTime(request.Start);
        var parameters = records.Ended(request.Caller, routed, body, ended, tooMany, request.ReceivedAt, total);
        return new InferOutcome(tooMany is null ? ended.Status : StatusCodes.Status400BadRequest, tooMany ?? ended.Error)
        {
            RetryAfter = InferOutcome.RetryAfterOf(ended),
            Tenant = request.Tenant,
            Standing = ended.Standing,
            Version = routed.Version,
            Body = body,
            Reply = tooMany is null ? reply : null,
            Parameters = parameters,
        };
    }

    /// <summary>Counts and records a request that was refused.</summary>
    public InferOutcome Refused(AdmittedRequest request, InferenceCallResult refusal) =>
        Refused(request, InferOutcome.Of(refusal) with { Tenant = request.Tenant });

    private InferOutcome Refused(AdmittedRequest request, InferOutcome refusal) =>
        Refused(request.Caller, request.Routed, request.ReceivedAt, request.Start, refusal);

    private InferOutcome Refused(ClaimsPrincipal caller, RoutedModel routed, DateTimeOffset receivedAt, long start, InferOutcome refusal)
    {
        var (version, total) = (routed.Version, time.GetElapsedTime(start));
        telemetry.Answered(version.Model, version.Version, refusal.Status, total);
        telemetry.Failed(version.Model, version.Version, ErrorKinds.Of(refusal.Status));
        records.Rejected(caller, routed, refusal, receivedAt, total);
        return refusal;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<InferenceCallResult> CallAsync(
        RoutedModel routed, TenantAccount tenant, InferBody body, long? bytes, DateTimeOffset? deadline,
        CancellationToken cancellationToken)
    {
        triton.Pending(routed.Version.Model, routed.Version.Version, 1);
        body.Parts?.Version = routed.Version;
        try
        {
            return await calls.CallAsync(routed, tenant, body, bytes, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return time.GetUtcNow() >= deadline
                ? InferenceCallResult.Refused(StatusCodes.Status504GatewayTimeout, "the call's deadline passed before it was answered")
                : InferenceCallResult.Refused(InferenceCallResult.ClientClosedRequest, "the caller left");
        }
        finally
        {
            triton.Pending(routed.Version.Model, routed.Version.Version, -1);
        }
    }
}

/// <summary>A request that may go on: routed, and within what is known of its tenant's limits.</summary>
/// <param name="Bytes">Of its body, where known.</param>
/// <param name="Start">Timestamp of its arrival.</param>
internal sealed record AdmittedRequest(
    ClaimsPrincipal Caller, RoutedModel Routed, TenantAccount Tenant, long? Bytes, DateTimeOffset ReceivedAt, long Start);

/// <summary>How a request ended, for its protocol to tell.</summary>
/// <param name="Status">In the words of HTTP; 499 where nobody is left to be told.</param>
/// <param name="Error">For the caller; null where the status is 200.</param>
internal sealed record InferOutcome(int Status, string? Error)
{
    /// <summary>Seconds after which a refused caller may come again; null where that would not help.</summary>
    public int? RetryAfter { get; init; }

    public TenantAccount? Tenant { get; init; }

    public TenantStanding? Standing { get; init; }

    /// <summary>The version that answered; null where the request was refused before the call.</summary>
    public ModelVersion? Version { get; init; }

    public InferBody? Body { get; init; }

    public InferenceReply? Reply { get; init; }

    public AnswerParameters? Parameters { get; init; }

    public static InferOutcome Of(InferenceCallResult result) => new(result.Status, result.Error)
    {
        RetryAfter = RetryAfterOf(result),
        Standing = result.Standing,
    };

    public static int? RetryAfterOf(InferenceCallResult result) =>
        result.Status is StatusCodes.Status503ServiceUnavailable or StatusCodes.Status429TooManyRequests ? result.RetryAfter : null;
}
