using System.Diagnostics;
using System.Runtime.CompilerServices;
using InferenceTemplate.Api.Caching;
using InferenceTemplate.Api.Direct;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// Sends one request to a worker, directly where one has its model open and else through the queue, and waits for its answer.
/// </summary>
internal sealed partial class InferenceCalls(
    DirectCalls direct,
    RequestQueue queue,
    ReplyInbox inbox,
    QueueRejections rejections,
    TenantGate gate,
    TenantLimiter limiter,
    Telemetry telemetry,
    IOptions<QueueOptions> options,
    TimeProvider time,
    ILogger<InferenceCalls> logger)
{
    // A connection that breaks often breaks again before it stays.
    private const int MaxAsks = 4;

    private static readonly TimeSpan ReplyGrace = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan BetweenAsks = TimeSpan.FromMilliseconds(100);

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
        if (direct.Serves(name))
        {
            return direct.Refuses(name, contentLength) is var (admission, retryAfter) ? Refusal(name, admission, retryAfter) : null;
        }

        return rejections.Refuses(name, contentLength) is { } known ? Refusal(name, known) : null;
    }

    /// <param name="contentLength">Of the request's body, where known: the size for which a rejection of the bound in bytes holds.</param>
    /// <param name="kept">Where an answer may be kept that saves the run; null where none is.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<InferenceCallResult> CallAsync(
        ModelVersion version, TenantAccount tenant, InferBody body, long? contentLength, ResponseCacheKey? kept,
        CancellationToken cancellationToken)
    {
        var wait = TimeFor(body.Timeout);
        var now = time.GetUtcNow();
        var request = new InferenceRequest(
            Guid.CreateVersion7(now), version.Model, version.Version, tenant.Id, RequestKind.Call, body.Priority, inbox.Replica,
            now, now + wait,
            Activity.Current?.Id, Activity.Current?.TraceStateString, body.Outputs, body.Inputs);

        var name = new QueueName(version.Model, version.Version);
        if (body.Parts is not null && kept is null)
        {
            // The rest is for the run, which else would come whole through the queue.
            await OpenAsync(name, wait / 2, cancellationToken);
        }

        var byConnection = direct.Takes(name, body.Bytes);

        // The answer may come before the enqueueing call returns: be listening first.
        using var pending = byConnection ? null : inbox.Expect(request.Id);
        TenantStanding? standing;
        try
        {
            var admission = await InTimeAsync(request, AdmitAsync(request, tenant, kept, byConnection, cancellationToken));
            standing = admission.Standing;
            body.Parts?.Standing = standing;
            if (admission.IsOverLimit)
            {
                return gate.Refusal(tenant, admission.Outcome, standing!);
            }

            if (!byConnection)
            {
                rejections.Learn(name, admission, request.Priority, contentLength);
            }

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
        catch (Exception exception) when (exception is QueueUnavailableException or TimeoutException)
        {
            // What was not answered may have been carried out.
            limiter.Release(tenant, request.Id);
            return exception is TimeoutException
                ? InferenceCallResult.Refused(StatusCodes.Status504GatewayTimeout, Unanswered(wait))
                : InferenceCallResult.Refused(StatusCodes.Status503ServiceUnavailable, "the queue is unavailable: try again later");
        }

        try
        {
            if (pending is null)
            {
                var end = await direct.RunAsync(request, body.Parts, contentLength, request.Deadline + ReplyGrace, cancellationToken);
                return end.Reply is { } reply
                    ? Translate(reply, standing)
                    : await InsteadOfReplyAsync(request, end, tenant, wait, standing, cancellationToken);
            }

            return await AwaitAsync(request, pending, wait, again: null, asked: 1, cancellationToken) with { Standing = standing };
        }
        finally
        {
            limiter.Release(tenant, request.Id);
        }
    }

    private async Task OpenAsync(QueueName name, TimeSpan most, CancellationToken cancellationToken)
    {
        try
        {
            await direct.OpenAsync(name, most, cancellationToken);
        }
        catch (QueueUnavailableException)
        {
            // Whether it is refused, the next step says.
        }
    }

    private async Task<InferenceCallResult> InsteadOfReplyAsync(
        InferenceRequest request, DirectCallEnd end, TenantAccount tenant, TimeSpan wait, TenantStanding? standing,
        CancellationToken cancellationToken) =>
        end switch
        {
            { Refusal: var (admission, retryAfter) } => Refusal(new QueueName(request.Model, request.Version), admission, retryAfter) with
            {
                // It was counted before its worker was asked.
                Standing = await UndoAsync(tenant, request, request.Id) ?? standing,
            },
            { Spent: { } reason } => Translate(Unavailable(request.Id, reason), standing),
            { Elsewhere: { } again } => (await AskAgainAsync(again, wait, end.Reason, asked: 2, tenant, cancellationToken)).OrStanding(standing),
            _ => InferenceCallResult.Refused(StatusCodes.Status504GatewayTimeout, Late(wait)) with { Standing = standing },
        };

    /// <param name="again">Why the request was sent again; null where it was sent once.</param>
    /// <param name="asked">How often it was sent.</param>
    private async Task<InferenceCallResult> AwaitAsync(
        InferenceRequest request, PendingReply pending, TimeSpan wait, string? again, int asked, CancellationToken cancellationToken)
    {
        try
        {
            // A little longer than the deadline, so that a worker's reply about it arrives.
            return Translate(await pending.Reply.WaitAsync(Left(request), time, cancellationToken));
        }
        catch (ReplyLostException lost)
        {
            _ = CancelAsync(request);
            return lost.Restored && asked < MaxAsks
                ? await AskAgainAsync(request, wait, lost.Message, asked + 1, counted: null, cancellationToken)
                : Lost(lost.Message);
        }
        catch (TimeoutException)
        {
            // A batch that still runs for nobody but such callers can be ended.
            _ = CancelAsync(request);
            return InferenceCallResult.Refused(StatusCodes.Status504GatewayTimeout, Late(pending, wait, again));
        }
        catch (OperationCanceledException)
        {
            _ = CancelAsync(request);
            throw;
        }
    }

    // Inference is pure: what may have been answered to nobody is done again, under another id, within the same deadline. A tenant
    // for whom the first was counted, and who has got nothing for it, gets that back where the queue refuses.
    private async Task<InferenceCallResult> AskAgainAsync(
        InferenceRequest first, TimeSpan wait, string? reason, int asked, TenantAccount? counted, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var request = first with { Id = Guid.CreateVersion7(now), EnqueuedAt = now };
        using var pending = inbox.Expect(request.Id);
        try
        {
            var name = new QueueName(request.Model, request.Version);
            var admission = await InTimeAsync(request, queue.EnqueueAsync(request));
            if (admission.Outcome != EnqueueOutcome.Enqueued)
            {
                return Refusal(name, admission) with { Standing = counted is null ? null : await UndoAsync(counted, request, first.Id) };
            }
        }
        catch (QueueUnavailableException)
        {
            // It may be queued yet, for nobody.
            _ = CancelAsync(request);
            if (asked >= MaxAsks || Left(request) <= BetweenAsks)
            {
                return Lost(reason);
            }

            await Task.Delay(BetweenAsks, time, cancellationToken);
            return await AskAgainAsync(request, wait, reason, asked + 1, counted, cancellationToken);
        }
        catch (TimeoutException)
        {
            return InferenceCallResult.Refused(StatusCodes.Status504GatewayTimeout, Unanswered(wait));
        }

        return await AwaitAsync(request, pending, wait, reason, asked, cancellationToken);
    }

    private static InferenceCallResult Lost(string? reason) => InferenceCallResult.Refused(
        StatusCodes.Status503ServiceUnavailable,
        reason is null ? "the queue is unavailable: try again later" : $"the answer was lost, since {reason}: try again");

    private static string Late(PendingReply pending, TimeSpan wait, string? again) =>
        pending.HasCome ? $"the answer came, but could not be read within {wait.TotalSeconds:0.###} s"
        : again is null ? Late(wait)
        : $"the request was sent again, since {again}, and no worker answered that within the {wait.TotalSeconds:0.###} s";

    private static string Unanswered(TimeSpan wait) => $"the queue did not answer within {wait.TotalSeconds:0.###} s";

    private static string Late(TimeSpan wait) => $"no worker answered within {wait.TotalSeconds:0.###} s";

    private ValueTask<Admission> AdmitAsync(
        InferenceRequest request, TenantAccount tenant, ResponseCacheKey? kept, bool byConnection, CancellationToken cancellationToken)
    {
        var extras = kept is null && !tenant.Limits.AreCounted
            ? null
            : new AdmissionExtras(kept is null ? null : QueueKeys.ResponseCache(kept.Model, kept.Version, kept.Hash), tenant);
        return tenant.Limits.MonthlyInferences == 0
            ? AdmitOnceAsync(request, extras, byConnection)
            : AdmitInMonthAsync(request, tenant, extras, byConnection, cancellationToken);
    }

    private ValueTask<Admission> AdmitOnceAsync(InferenceRequest request, AdmissionExtras? extras, bool byConnection) =>
        byConnection ? queue.PassAsync(request, extras) : new(queue.EnqueueAsync(request, extras));

    private async ValueTask<Admission> AdmitInMonthAsync(
        InferenceRequest request, TenantAccount tenant, AdmissionExtras? extras, bool byConnection, CancellationToken cancellationToken)
    {
        var admission = await AdmitOnceAsync(request, extras, byConnection);
        if (admission.Outcome != EnqueueOutcome.UnknownMonth)
        {
            return admission;
        }

        // The first of the month, or since Redis lost its data.
        await limiter.LoadMonthAsync(tenant, cancellationToken);
        return await AdmitOnceAsync(request, extras, byConnection);
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

    // Redis may keep what it is asked for longer than the caller waits.
    private ValueTask<Admission> InTimeAsync(InferenceRequest request, ValueTask<Admission> admission) =>
        admission.IsCompletedSuccessfully ? admission : new(InTimeAsync(request, admission.AsTask()));

    private async Task<Admission> InTimeAsync(InferenceRequest request, Task<Admission> admission)
    {
        try
        {
            return await admission.WaitAsync(Left(request), time);
        }
        catch (TimeoutException)
        {
            // It may be queued yet, for nobody.
            _ = CancelAsync(request);
            throw;
        }
    }

    private async Task<TenantStanding?> UndoAsync(TenantAccount tenant, InferenceRequest request, Guid counted)
    {
        try
        {
            return await limiter.UndoAsync(tenant, counted).WaitAsync(Left(request), time);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private TimeSpan Left(InferenceRequest request)
    {
        var left = request.Deadline - time.GetUtcNow() + ReplyGrace;
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private async Task CancelAsync(InferenceRequest request)
    {
        try
        {
            // Beyond its deadline, for those who run it now.
            await queue.CancelAsync(
                new QueueName(request.Model, request.Version), request.Id, request.Deadline + options.Value.VisibilityTime);
        }
        catch (QueueUnavailableException exception)
        {
            LogNotCancelled(request.Id, exception.InnerException!.Message);
        }
    }

    /// <param name="retryAfter">Seconds; null for what is known of the queue.</param>
    private InferenceCallResult Refusal(QueueName name, Admission admission, int? retryAfter = null) => admission.Outcome switch
    {
        EnqueueOutcome.Expired => InferenceCallResult.Refused(
            StatusCodes.Status504GatewayTimeout, "the deadline passed before the request could be queued"),
        EnqueueOutcome.TooLarge => InferenceCallResult.Refused(
            StatusCodes.Status413PayloadTooLarge, $"the request is larger than a whole queue may be ({options.Value.MaxBytes} bytes)"),
        EnqueueOutcome.FullOfBytes => Full(name, admission, $"{admission.Bytes} bytes", retryAfter),
        _ => Full(name, admission, $"{admission.Depth} requests", retryAfter),
    };

    private InferenceCallResult Full(QueueName name, Admission admission, string what, int? retryAfter) =>
        InferenceCallResult.Refused(
            StatusCodes.Status503ServiceUnavailable, $"the queue of '{name.Model}' is full ({what}): try again later") with
        {
            RetryAfter = retryAfter ?? rejections.RetryAfter(name, admission.Depth),
        };

    // As a worker says it that makes a dead letter.
    private static InferenceReply Unavailable(Guid id, string reason) =>
        new(id, ReplyOutcome.Unavailable, reason, TimeSpan.Zero, TimeSpan.Zero, 0, "", []);

    private static InferenceCallResult Translate(InferenceReply reply, TenantStanding? standing = null) =>
        new(StatusOf(reply.Outcome), reply.Outcome == ReplyOutcome.Completed ? null : reply.Error, reply) { Standing = standing };

    private static int StatusOf(ReplyOutcome outcome) => outcome switch
    {
        ReplyOutcome.Completed => StatusCodes.Status200OK,
        ReplyOutcome.Expired => StatusCodes.Status504GatewayTimeout,
        ReplyOutcome.Unavailable or ReplyOutcome.NotLoaded => StatusCodes.Status503ServiceUnavailable,
        ReplyOutcome.TooLarge => StatusCodes.Status413PayloadTooLarge,
        _ => StatusCodes.Status400BadRequest,
    };

    [LoggerMessage(LogLevel.Debug, "Request {Request}, which nobody waits for, could not be cancelled: {Reason}")]
    private partial void LogNotCancelled(Guid request, string reason);
}
