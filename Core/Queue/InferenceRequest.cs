using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Queue;

/// <summary>One validated request on its way from an Api replica to a worker.</summary>
/// <param name="Id">Of the request; of the job, where <paramref name="Kind"/> says so.</param>
/// <param name="ReplyTo">The Api replica that waits for the answer; empty for a job.</param>
/// <param name="Deadline">After this nobody waits: the work is dropped wherever it is.</param>
/// <param name="TraceParent">W3C trace context of the caller's span; null when nothing is traced.</param>
/// <param name="RequestedOutputs">Names of the outputs to return; empty for all.</param>
public sealed record InferenceRequest(
    Guid Id,
    string Model,
    string Version,
    string TenantId,
    RequestKind Kind,
    Priority Priority,
    string ReplyTo,
    DateTimeOffset EnqueuedAt,
    DateTimeOffset Deadline,
    string? TraceParent,
    string? TraceState,
    string[] RequestedOutputs,
    Tensor[] Inputs)
{
    /// <summary>The trace that <see cref="TraceParent"/> names, as 32 hexadecimal digits; null where there is none.</summary>
    public string? TraceId => TraceIdOf(TraceParent);

    /// <summary>How often it was given to workers before it came this way; they did not finish it.</summary>
    public int EarlierDeliveries { get; init; }

    /// <summary>The trace that a W3C trace context names; null where there is none.</summary>
    public static string? TraceIdOf(string? traceParent) => traceParent?.Split('-') is [_, { Length: 32 } trace, ..] ? trace : null;
}
