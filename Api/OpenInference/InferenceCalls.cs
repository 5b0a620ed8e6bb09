using System.Diagnostics;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Store;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.OpenInference;

/// <summary>Sends one request through the queue and waits for its answer.</summary>
internal sealed partial class InferenceCalls(
    RequestQueue queue,
    ReplyInbox inbox,
    QueueVerdicts verdicts,
    Telemetry telemetry,
    IOptions<QueueOptions> options,
    TimeProvider time,
    ILogger<InferenceCalls> logger)
{
    private static readonly TimeSpan ReplyGrace = TimeSpan.FromMilliseconds(250);

    /// <summary>The refusal of a request whose queue is known to be full; null where it may go on. Asks nobody.</summary>
    public InferenceCallResult? RefusalWithoutAsking(ModelVersion version, long? contentLength)
    {
        var name = new QueueName(version.Model, version.Version);
        return verdicts.Refuses(name, contentLength) is { } known ? Refusal(name, known) : null;
    }

    /// <param name="contentLength">Of the request's body, where known: the size for which a verdict of the bound in bytes holds.</param>
    public async Task<InferenceCallResult> CallAsync(
        ModelVersion version, string tenant, InferBody body, long? contentLength, CancellationToken cancellationToken)
    {
        // What the caller asked for, else the default; at most the maximum.
        var wait = body.Timeout ?? options.Value.DefaultTimeout;
        if (wait > options.Value.MaxTimeout)
        {
            wait = options.Value.MaxTimeout;
        }

        var now = time.GetUtcNow();
        var request = new InferenceRequest(
            Guid.CreateVersion7(now), version.Model, version.Version, tenant, RequestKind.Call, body.Priority, inbox.Replica, now, now + wait,
            Activity.Current?.Id, Activity.Current?.TraceStateString, body.Outputs, body.Inputs);

        // The answer may come before the enqueueing call returns: be listening first.
        using var pending = inbox.Expect(request.Id);
        try
        {
            var name = new QueueName(version.Model, version.Version);
            var admission = await queue.EnqueueAsync(request);
            verdicts.Learn(name, admission, request.Priority, contentLength);
            if (admission.Shed > 0)
            {
                telemetry.DroppedShadow(version.Model, version.Version, admission.Shed);
            }

            if (admission.Outcome != EnqueueOutcome.Enqueued)
            {
                return Refusal(name, admission);
            }
        }
        catch (QueueUnavailableException)
        {
            return InferenceCallResult.Refused(StatusCodes.Status503ServiceUnavailable, "the queue is unavailable: try again later");
        }

        try
        {
            // A little longer than the deadline, so that a worker's own word on it arrives.
            return Translate(await pending.Reply.WaitAsync(wait + ReplyGrace, time, cancellationToken));
        }
        catch (TimeoutException)
        {
            // A batch that still runs for nobody but such callers can be ended.
            _ = CancelAsync(request);
            return InferenceCallResult.Refused(
                StatusCodes.Status504GatewayTimeout, $"no worker answered within {wait.TotalSeconds:0.###} s");
        }
        catch (OperationCanceledException)
        {
            _ = CancelAsync(request);
            throw;
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

    private static InferenceCallResult Translate(InferenceReply reply) => reply.Outcome switch
    {
        ReplyOutcome.Completed => new(StatusCodes.Status200OK, null, reply),
        ReplyOutcome.Expired => new(StatusCodes.Status504GatewayTimeout, reply.Error, reply),
        ReplyOutcome.Unavailable => new(StatusCodes.Status503ServiceUnavailable, reply.Error, reply),
        _ => new(StatusCodes.Status400BadRequest, reply.Error, reply),
    };

    [LoggerMessage(LogLevel.Debug, "Request {Request}, which nobody waits for, could not be cancelled: {Reason}")]
    private partial void LogNotCancelled(Guid request, string reason);
}

/// <summary>How a call ended: a status, the words for an error, and the worker's answer where there was one.</summary>
/// <param name="RetryAfter">Seconds after which a refused caller may come again.</param>
internal sealed record InferenceCallResult(int Status, string? Error, InferenceReply? Reply, int RetryAfter = 1)
{
    public static InferenceCallResult Refused(int status, string error) => new(status, error, null);
}
