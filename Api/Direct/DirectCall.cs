using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Direct;

/// <summary>How one try of a direct call ended; one of these is set.</summary>
/// <param name="Refusal">The bounds of the worker refuse it.</param>
/// <param name="Left">Why it did not begin there: it may elsewhere, as if never sent.</param>
/// <param name="Failure">Why its run failed through no fault of its own: it may run elsewhere, after a while.</param>
/// <param name="Lost">Why nobody knows what became of it: it may be what ended the worker.</param>
internal readonly record struct DirectEnd(
    InferenceReply? Reply = null, Admission? Refusal = null, string? Left = null, string? Failure = null, string? Lost = null);

/// <summary>One request on a connection, and the wait for its end.</summary>
internal sealed class DirectCall(WorkerConnection connection, InferenceRequest request, AnswerParts? parts) : IDisposable
{
    // Continuations must not run on the connection's reader.
    private readonly TaskCompletionSource<DirectEnd> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public WorkerConnection Connection => connection;

    public InferenceRequest Request => request;

    public AnswerParts? Parts => parts;

    public Task<DirectEnd> End => _source.Task;

    public void Ended(DirectEnd end) => _source.TrySetResult(end);

    /// <summary>Nobody waits any more: the worker hears of it, unless it has answered.</summary>
    public void Dispose() => connection.Forget(this);
}
