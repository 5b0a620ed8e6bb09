using System.Diagnostics;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Store;
using InferenceTemplate.Inference.Tensors;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.OpenInference;

/// <summary>Sends one request through the queue and waits for its answer.</summary>
internal sealed class InferenceCalls(RequestQueue queue, ReplyInbox inbox, IOptions<QueueOptions> options, TimeProvider time)
{
    private static readonly TimeSpan ReplyGrace = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a call may take: what the caller asked for, the default where it asked for nothing, and at most the maximum.</summary>
    public TimeSpan TimeFor(TimeSpan? asked)
    {
        var wait = asked ?? options.Value.DefaultTimeout;
        return wait > options.Value.MaxTimeout ? options.Value.MaxTimeout : wait;
    }

    public async Task<InferenceCallResult> CallAsync(
        ModelVersion version, string tenant, Tensor[] inputs, string[] outputs, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        var wait = TimeFor(timeout);
        var now = time.GetUtcNow();
        var request = new InferenceRequest(
            Guid.CreateVersion7(now), version.Model, version.Version, tenant, RequestKind.Call, Priority.Normal, inbox.Replica, now, now + wait,
            Activity.Current?.Id, Activity.Current?.TraceStateString, outputs, inputs);

        // The answer may come before the enqueueing call returns: be listening first.
        using var pending = inbox.Expect(request.Id);
        try
        {
            if ((await queue.EnqueueAsync(request)).Outcome is not EnqueueOutcome.Enqueued)
            {
                return InferenceCallResult.Refused(
                    StatusCodes.Status503ServiceUnavailable,
                    $"the queue of '{version.Model}' is full ({options.Value.MaxDepth} requests): try again later");
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
            return InferenceCallResult.Refused(
                StatusCodes.Status504GatewayTimeout, $"no worker answered within {wait.TotalSeconds:0.###} s");
        }
    }

    private static InferenceCallResult Translate(InferenceReply reply) => reply.Outcome switch
    {
        ReplyOutcome.Completed => new(StatusCodes.Status200OK, null, reply),
        ReplyOutcome.Expired => new(StatusCodes.Status504GatewayTimeout, reply.Error, reply),
        ReplyOutcome.Unavailable => new(StatusCodes.Status503ServiceUnavailable, reply.Error, reply),
        _ => new(StatusCodes.Status400BadRequest, reply.Error, reply),
    };
}

/// <summary>How a call ended: a status, the words for an error, and the worker's answer where there was one.</summary>
internal sealed record InferenceCallResult(int Status, string? Error, InferenceReply? Reply)
{
    /// <summary>A caller that left gets no answer; this is how its request is counted (the status that nginx gave such requests).</summary>
    public const int ClientClosedRequest = 499;

    /// <summary>Speaks against the version: no answer, or an input that passed validation and that the model failed on.</summary>
    public bool IsFaultOfModel => Status >= 500 || Reply is { Outcome: ReplyOutcome.Failed };

    public static InferenceCallResult Refused(int status, string error) => new(status, error, null);
}
