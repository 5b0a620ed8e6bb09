using System.Threading.Tasks.Sources;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Direct;

/// <summary>How one try of a direct call ended; one of these is set.</summary>
/// <param name="Refusal">The bounds of the worker refuse it.</param>
/// <param name="Left">Why it did not begin there: it may elsewhere, as if never sent.</param>
/// <param name="Failure">Why its run failed through no fault of its own: it may run elsewhere, after a while.</param>
/// <param name="Lost">Why nobody knows what became of it: it may be what ended the worker.</param>
/// <param name="IsLate">Nothing came in time.</param>
internal readonly record struct DirectEnd(
    InferenceReply? Reply = null, Admission? Refusal = null, string? Left = null, string? Failure = null, string? Lost = null,
    bool IsLate = false);

/// <summary>One request on a connection, and the wait for its end, for one who waits.</summary>
internal sealed class DirectCall(
    WorkerConnection connection, InferenceRequest request, AnswerParts? parts, DirectDeadlines deadlines)
    : IValueTaskSource<DirectEnd>, IDisposable
{
    // Continuations must not run on the connection's reader.
    private ManualResetValueTaskSourceCore<DirectEnd> _source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _leaving;
    private int _ended;

    public WorkerConnection Connection => connection;

    public InferenceRequest Request => request;

    public AnswerParts? Parts => parts;

    /// <summary>The tick at which it is late, and its neighbors there: the deadlines' own. Zero while it is none of theirs.</summary>
    internal long Due { get; set; }

    internal DirectCall? Previous { get; set; }

    internal DirectCall? Next { get; set; }

    /// <summary>Waits for the end; called once.</summary>
    public ValueTask<DirectEnd> EndAsync(TimeSpan most, CancellationToken cancellationToken)
    {
        deadlines.Add(this, most > TimeSpan.Zero ? most : TimeSpan.Zero);
        _leaving = cancellationToken.UnsafeRegister(
            static (call, token) => ((DirectCall)call!).Failed(new OperationCanceledException(token)), this);
        return new ValueTask<DirectEnd>(this, _source.Version);
    }

    public void Ended(DirectEnd end)
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            _source.SetResult(end);
        }
    }

    /// <summary>Nobody waits any more: the worker hears of it, unless it has answered.</summary>
    public void Dispose()
    {
        deadlines.Remove(this);
        _leaving.Dispose();
        connection.Forget(this);
    }

    public DirectEnd GetResult(short token) => _source.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void Failed(Exception exception)
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            _source.SetException(exception);
        }
    }
}
