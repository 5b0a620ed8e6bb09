using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Traffic;

/// <summary>
/// Repeats answered requests on a model's shadow version, at the lowest priority, and compares. The caller has its answer
/// by then: nothing here can delay or change it.
/// </summary>
internal sealed partial class ShadowMirror(
    RequestQueue queue,
    ReplyInbox inbox,
    ShadowRecorder comparisons,
    InferRecords records,
    Telemetry telemetry,
    IOptions<QueueOptions> options,
    TimeProvider time,
    ILogger<ShadowMirror> logger)
{
    // Each under way holds its inputs and the answer to compare with.
    private const int MaxInFlight = 256;
    private const long MaxBytesInFlight = 64L << 20;

    private int _inFlight;
    private long _bytesInFlight;

    /// <summary>Begins the repetition, if the request was drawn for one; never waits.</summary>
    public void Mirror(RoutedModel routed, string tenant, InferBody body, InferenceReply answer)
    {
        if (routed.Shadow is not { } shadow)
        {
            return;
        }

        var bytes = body.Inputs.Sum(i => (long)i.Data.Length) + answer.Outputs.Sum(o => (long)o.Data.Length);
        var (held, heldBytes) = (Interlocked.Increment(ref _inFlight), Interlocked.Add(ref _bytesInFlight, bytes));
        if (held > MaxInFlight || heldBytes > MaxBytesInFlight)
        {
            Release(bytes);
            telemetry.Shadowed(shadow.Model, shadow.Version, "shed");
            return;
        }

        // The request's memory may be used again once it is answered.
        Tensor[] inputs = [.. body.Inputs.Select(i => i with { Data = i.Data.ToArray() })];
        _ = RepeatAsync(routed, shadow, tenant, inputs, body.Outputs, answer, bytes);
    }

    private async Task RepeatAsync(
        RoutedModel routed, ModelVersion shadow, string tenant, Tensor[] inputs, string[] outputs, InferenceReply answer, long bytes)
    {
        try
        {
            var start = time.GetTimestamp();
            var (reply, error) = await RunAsync(shadow, tenant, inputs, outputs);
            if (reply is null && error is null)
            {
                telemetry.Shadowed(shadow.Model, shadow.Version, "shed");
                return;
            }

            Put(routed, shadow, answer, reply, error);
            records.Mirrored(shadow, routed.Settings, tenant, inputs, reply, time.GetElapsedTime(start));
        }
        catch (Exception exception)
        {
            // Nobody waits for this task; whatever went wrong, the log is where it ends.
            LogFailed(exception, shadow.Model, shadow.Version);
            telemetry.Shadowed(shadow.Model, shadow.Version, "failed");
        }
        finally
        {
            Release(bytes);
        }
    }

    // Neither a reply nor an error where there was no room: shadows are the first to go.
    private async Task<(InferenceReply? Reply, string? Error)> RunAsync(
        ModelVersion shadow, string tenant, Tensor[] inputs, string[] outputs)
    {
        var now = time.GetUtcNow();
        var wait = options.Value.DefaultTimeout;
        var request = new InferenceRequest(
            Guid.CreateVersion7(now), shadow.Model, shadow.Version, tenant, RequestKind.Shadow, Priority.Shadow, inbox.Replica,
            now, now + wait, TraceParent: null, TraceState: null, outputs, inputs);
        using var pending = inbox.Expect(request.Id);
        try
        {
            if ((await queue.EnqueueAsync(request)).Outcome != EnqueueOutcome.Enqueued)
            {
                return (null, null);
            }

            var reply = await pending.Reply.WaitAsync(wait, time, CancellationToken.None);
            return reply.Outcome == ReplyOutcome.Completed ? (reply, null) : (null, reply.Error ?? "it gave no answer");
        }
        catch (QueueUnavailableException)
        {
            return (null, null);
        }
        catch (TimeoutException)
        {
            return (null, $"no worker answered within {wait.TotalSeconds:0.###} s");
        }
    }

    private void Put(RoutedModel routed, ModelVersion shadow, InferenceReply answer, InferenceReply? reply, string? error)
    {
        var agreement = reply is null
            ? (OutputAgreement?)null
            : OutputComparison.Compare(answer.Outputs, reply.Outputs, routed.Settings.Traffic.Shadow?.Tolerance ?? 0);
        telemetry.Shadowed(shadow.Model, shadow.Version, agreement is not { } a ? "failed" : a.Agreed ? "agreed" : "differed");
        var now = time.GetUtcNow();
        comparisons.Record(new ShadowComparison
        {
            Id = Guid.CreateVersion7(now),
            ComparedAt = now,
            Model = shadow.Model,
            Version = routed.Version.Version,
            ShadowVersion = shadow.Version,
            Agreed = agreement?.Agreed,
            MaxDifference = agreement?.MaxDifference,
            ComputeMicroseconds = (long)answer.ComputeTime.TotalMicroseconds,
            ShadowComputeMicroseconds = (long)(reply?.ComputeTime.TotalMicroseconds ?? 0),
            Error = error,
        });
    }

    private void Release(long bytes)
    {
        Interlocked.Decrement(ref _inFlight);
        Interlocked.Add(ref _bytesInFlight, -bytes);
    }

    [LoggerMessage(LogLevel.Error, "A mirrored request of {Model}/{Version} failed")]
    private partial void LogFailed(Exception exception, string model, string version);
}
