using System.Diagnostics;
using InferenceTemplate.Api.Caching;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Inference;

/// <summary>Sends one request through the queue and waits for its answer.</summary>
internal sealed partial class InferenceCalls(
    RequestQueue queue,
    ReplyInbox inbox,
    QueueVerdicts verdicts,
    TenantGate gate,
    TenantLimiter limiter,
    Telemetry telemetry,
    IOptions<QueueOptions> options,
    TimeProvider time,
    ILogger<InferenceCalls> logger)
{
    private static readonly TimeSpan ReplyGrace = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a call may take: what the caller asked for, else the default, and at most the maximum.</summary>
    public TimeSpan TimeFor(TimeSpan? asked)
    {
        var wait = asked ?? options.Value.DefaultTimeout;
        return wait > options.Value.MaxTimeout ? options.Value.MaxTimeout : wait;
    }

    /// <summary>The refusal of a request whose queue is known to be full; null where it may go on. Asks nobody.</summary>
    public InferenceCallResult? RefusalWithoutAsking(ModelVersion version, long? contentLength)
    {
        var name = new QueueName(version.Model, version.Version);
        return verdicts.Refuses(name, contentLength) is { } known ? Refusal(name, known) : null;
    }

    /// <param name="contentLength">Of the request's body, where known: the size for which a verdict of the bound in bytes holds.</param>
    /// <param name="kept">Where an answer may be kept that saves the run; null where none is.</param>
    public async Task<InferenceCallResult> CallAsync(
        ModelVersion version, TenantAccount tenant, InferBody body, long? contentLength, ResponseCacheKey? kept, CancellationToken cancellationToken)
    {
        var wait = TimeFor(body.Timeout);
        var now = time.GetUtcNow();
        var request = new InferenceRequest(
            Guid.CreateVersion7(now), version.Model, version.Version, tenant.Id, RequestKind.Call, body.Priority, inbox.Replica, now, now + wait,
            Activity.Current?.Id, Activity.Current?.TraceStateString, body.Outputs, body.Inputs);

        // The answer may come before the enqueueing call returns: be listening first.
        using var pending = inbox.Expect(request.Id);
        TenantStanding? standing;
        try
        {
            var name = new QueueName(version.Model, version.Version);
            var admission = await AdmitAsync(request, tenant, kept, cancellationToken);
            standing = admission.Standing;
            if (admission.IsOverLimit)
            {
                return gate.Refusal(tenant, admission.Outcome, standing!);
            }

            verdicts.Learn(name, admission, request.Priority, contentLength);
            if (admission.Shed > 0)
            {
                telemetry.DroppedShadow(version.Model, version.Version, admission.Shed);
            }

            if (admission.Outcome == EnqueueOutcome.Cached)
            {
                return (Known(admission.CachedAnswer!)
                    ?? await CallAsync(version, tenant.Uncounted(), body, contentLength, kept: null, cancellationToken)) with
                {
                    Standing = standing,
                };
            }

            if (admission.Outcome != EnqueueOutcome.Enqueued)
            {
                return Refusal(name, admission) with { Standing = standing };
            }
        }
        catch (QueueUnavailableException)
        {
            return InferenceCallResult.Refused(StatusCodes.Status503ServiceUnavailable, "the queue is unavailable: try again later");
        }

        try
        {
            // A little longer than the deadline, so that a worker's own word on it arrives.
            return Translate(await pending.Reply.WaitAsync(wait + ReplyGrace, time, cancellationToken), standing);
        }
        catch (TimeoutException)
        {
            // A batch that still runs for nobody but such callers can be ended.
            _ = CancelAsync(request);
            return InferenceCallResult.Refused(
                StatusCodes.Status504GatewayTimeout, $"no worker answered within {wait.TotalSeconds:0.###} s") with
            {
                Standing = standing,
            };
        }
        catch (OperationCanceledException)
        {
            _ = CancelAsync(request);
            throw;
        }
        finally
        {
            limiter.Release(tenant, request.Id);
        }
    }

    private Task<Admission> AdmitAsync(
        InferenceRequest request, TenantAccount tenant, ResponseCacheKey? kept, CancellationToken cancellationToken)
    {
        var extras = kept is null && !tenant.Limits.AreCounted
            ? null
            : new AdmissionExtras(kept is null ? null : QueueKeys.ResponseCache(kept.Model, kept.Version, kept.Hash), tenant);
        return tenant.Limits.MonthlyInferences == 0 ? queue.EnqueueAsync(request, extras) : AdmitInMonthAsync();

        async Task<Admission> AdmitInMonthAsync()
        {
            var admission = await queue.EnqueueAsync(request, extras);
            if (admission.Outcome != EnqueueOutcome.UnknownMonth)
            {
                return admission;
            }

            // The first of the month, or since Redis lost its data.
            await limiter.LoadMonthAsync(tenant, cancellationToken);
            return await queue.EnqueueAsync(request, extras);
        }
    }

    // Null where a build with another format wrote it.
    private static InferenceCallResult? Known(byte[] answer)
    {
        try
        {
            return new InferenceCallResult(StatusCodes.Status200OK, null, ReplyBatch.Read(answer)[0]) { IsKept = true };
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private async Task CancelAsync(InferenceRequest request)
    {
        try
        {
            // Beyond its deadline, for those who run it now.
            await queue.CancelAsync(new QueueName(request.Model, request.Version), request.Id, request.Deadline + options.Value.VisibilityTime);
        }
        catch (QueueUnavailableException exception)
        {
            LogNotCancelled(request.Id, exception.InnerException!.Message);
        }
    }

    private InferenceCallResult Refusal(QueueName name, Admission admission) => admission.Outcome switch
    {
        EnqueueOutcome.Expired => InferenceCallResult.Refused(
            StatusCodes.Status504GatewayTimeout, "the deadline passed before the request could be queued"),
        EnqueueOutcome.TooLarge => InferenceCallResult.Refused(
            StatusCodes.Status413PayloadTooLarge, $"the request is larger than a whole queue may be ({options.Value.MaxBytes} bytes)"),
        EnqueueOutcome.FullOfBytes => Full(name, admission, $"{admission.Bytes} bytes"),
        _ => Full(name, admission, $"{admission.Depth} requests"),
    };

    private InferenceCallResult Full(QueueName name, Admission admission, string what) =>
        InferenceCallResult.Refused(
            StatusCodes.Status503ServiceUnavailable, $"the queue of '{name.Model}' is full ({what}): try again later") with
        {
            RetryAfter = verdicts.RetryAfter(name, admission.Depth),
        };

    private static InferenceCallResult Translate(InferenceReply reply, TenantStanding? standing) => reply.Outcome switch
    {
        ReplyOutcome.Completed => new(StatusCodes.Status200OK, null, reply) { Standing = standing },
        ReplyOutcome.Expired => new(StatusCodes.Status504GatewayTimeout, reply.Error, reply) { Standing = standing },
        ReplyOutcome.Unavailable => new(StatusCodes.Status503ServiceUnavailable, reply.Error, reply) { Standing = standing },
        _ => new(StatusCodes.Status400BadRequest, reply.Error, reply) { Standing = standing },
    };

    [LoggerMessage(LogLevel.Debug, "Request {Request}, which nobody waits for, could not be cancelled: {Reason}")]
    private partial void LogNotCancelled(Guid request, string reason);
}

/// <summary>How a call ended: a status, the words for an error, and the worker's answer where there was one.</summary>
/// <param name="RetryAfter">Seconds after which a refused caller may come again.</param>
internal sealed record InferenceCallResult(int Status, string? Error, InferenceReply? Reply, int RetryAfter = 1)
{
    /// <summary>A caller that left gets no answer; this is how its request is counted (the status that nginx gave such requests).</summary>
    public const int ClientClosedRequest = 499;

    /// <summary>An earlier request's answer, from the response cache.</summary>
    public bool IsKept { get; init; }

    /// <summary>How the caller's tenant stands; null where it has no limits that are counted.</summary>
    public TenantStanding? Standing { get; init; }

    /// <summary>Speaks against the version: no answer in time, no run, or an input that passed validation and that the model failed on.</summary>
    public bool IsFaultOfModel => Status == StatusCodes.Status504GatewayTimeout || Reply is { Outcome: not ReplyOutcome.Completed };

    /// <summary>Says something of the version, good or bad. A refusal by the queue does not, nor does a caller who left.</summary>
    public bool IsOfModel => Reply is not null || IsFaultOfModel;

    public static InferenceCallResult Refused(int status, string error) => new(status, error, null);
}
