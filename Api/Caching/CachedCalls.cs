using InferenceTemplate.Api.Features;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Core.Triton;

namespace InferenceTemplate.Api.Caching;

/// <summary>Calls a model, unless the answer is known: for models whose settings say that answers may be kept.</summary>
internal sealed partial class CachedCalls(
    InferenceCalls calls,
    TenantGate gate,
    ResponseCache cache,
    FeatureSwitches features,
    Telemetry telemetry,
    TritonMetrics triton,
    TimeProvider time,
    ILogger<CachedCalls> logger)
{
    // Answers on their way into the cache; more are not kept. They hold memory, and Redis may be slow.
    private const int MaxFilling = 256;

    private readonly SingleFlight<ResponseCacheKey, CachedAnswer> _flights = new();
    private int _filling;

    /// <inheritdoc cref="InferenceCalls.TimeFor"/>
    public TimeSpan TimeFor(TimeSpan? asked) => calls.TimeFor(asked);

    /// <summary>The refusal of a request whose queue is known to be full; null where it may go on. Asks nobody.</summary>
    public InferenceCallResult? RefusalWithoutAsking(RoutedModel routed, long? contentLength) =>
        calls.RefusalWithoutAsking(routed.Version, contentLength);

    /// <summary>Calls, or finds the answer.</summary>
    public ValueTask<InferenceCallResult> CallAsync(
        RoutedModel routed, TenantAccount tenant, InferBody body, long? contentLength, CancellationToken cancellationToken) =>

        // Generated text is drawn anew for each caller.
        routed.Settings.Cache is not { } settings || GenerationSignature.IsOf(routed.Version.Signature)
            ? calls.CallAsync(routed.Version, tenant, body, contentLength, kept: null, cancellationToken)
            : CallAsync(settings, routed, tenant, body, contentLength, cancellationToken);

    private async ValueTask<InferenceCallResult> CallAsync(
        CacheSettings settings, RoutedModel routed, TenantAccount tenant, InferBody body, long? contentLength,
        CancellationToken cancellationToken)
    {
        if (!await features.IsOnAsync(FeatureNames.ResponseCache, tenant.Id))
        {
            return await calls.CallAsync(routed.Version, tenant, body, contentLength, kept: null, cancellationToken);
        }

        var (start, timeout) = (time.GetTimestamp(), calls.TimeFor(body.Timeout));
        var key = ResponseCacheKey.Of(routed.Version, tenant.Id, body.Inputs, body.Outputs);
        InferenceCallResult ended;
        try
        {
            var (answer, shared) = await _flights.RunAsync(
                key,
                async () =>
                {
                    var found = await LookUpAsync(key, settings, RunAsync);
                    return (found, found.Result.Status == StatusCodes.Status200OK);
                },
                timeout,
                time,
                cancellationToken);
            ended = answer.Result with { CacheHit = shared || answer.Kept };
            if (shared)
            {
                // Another's request brought the answer; this one counts all the same.
                var (refusal, standing) = await gate.TakeAsync(tenant, cancellationToken);
                ended = refusal is null ? ended with { Standing = standing } : refusal with { CacheHit = false };
            }
        }
        catch (TimeoutException)
        {
            ended = InferenceCallResult.Refused(
                StatusCodes.Status504GatewayTimeout, "the same request of another caller did not end in time") with
            {
                CacheHit = false,
            };
        }

        telemetry.Cached(routed.Version.Model, routed.Version.Version, ended.CacheHit!.Value);
        triton.Cached(routed.Version.Model, routed.Version.Version, ended.CacheHit.Value);
        return ended;

        // Whoever has waited for another in vain has only the rest of its time.
        Task<InferenceCallResult> RunAsync()
        {
            var late = body.Within(timeout - time.GetElapsedTime(start));
            return calls.CallAsync(routed.Version, tenant, late, contentLength, key, cancellationToken).AsTask();
        }
    }

    private async Task<CachedAnswer> LookUpAsync(ResponseCacheKey key, CacheSettings settings, Func<Task<InferenceCallResult>> runAsync)
    {
        var result = await runAsync();
        if (result is { Status: StatusCodes.Status200OK, IsKept: false })
        {
            Fill(key, result.Reply!, settings);
        }

        return new CachedAnswer(result, result.IsKept);
    }

    // The answer does not wait for this.
    private void Fill(ResponseCacheKey key, InferenceReply reply, CacheSettings settings)
    {
        if (Interlocked.Increment(ref _filling) > MaxFilling)
        {
            Interlocked.Decrement(ref _filling);
            return;
        }

        _ = FillAsync(key, reply, settings);
    }

    private async Task FillAsync(ResponseCacheKey key, InferenceReply reply, CacheSettings settings)
    {
        try
        {
            await cache.PutAsync(key, reply, settings);
        }
        catch (QueueUnavailableException exception)
        {
            LogNotKept(key.Model, key.Version, exception.InnerException!.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _filling);
        }
    }

    [LoggerMessage(LogLevel.Warning, "An answer of {Model}/{Version} could not be cached: {Reason}")]
    private partial void LogNotKept(string model, string version, string reason);

    private sealed record CachedAnswer(InferenceCallResult Result, bool Kept);
}
