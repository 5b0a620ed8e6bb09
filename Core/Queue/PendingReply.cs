using System.Collections.Concurrent;

namespace InferenceTemplate.Core.Queue;

/// <summary>One caller's wait for its answer.</summary>
public sealed class PendingReply : IDisposable
{
    // Continuations must not run on the connection's reader.
    private readonly TaskCompletionSource<InferenceReply> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Guid _id;
    private readonly ConcurrentDictionary<Guid, PendingReply> _waiting;
    private volatile bool _hasCome;
    private volatile bool _disposed;

    internal PendingReply(Guid id, ConcurrentDictionary<Guid, PendingReply> waiting) => (_id, _waiting) = (id, waiting);

    /// <exception cref="ReplyLostException">The answer may have come to nobody.</exception>
    public Task<InferenceReply> Reply => _source.Task;

    /// <summary>A worker has answered, though the answer may still be on its way.</summary>
    public bool HasCome
    {
        get => _hasCome;
        internal set => _hasCome = value;
    }

    /// <summary>Nobody waits any more.</summary>
    internal bool IsOver => _disposed || _source.Task.IsCompleted;

    public void Dispose()
    {
        _disposed = true;
        _waiting.TryRemove(KeyValuePair.Create(_id, this));
    }

    internal void Come(InferenceReply reply)
    {
        _hasCome = true;
        _waiting.TryRemove(KeyValuePair.Create(_id, this));
        _source.TrySetResult(reply);
    }

    internal void Lose(ReplyLostException exception)
    {
        _waiting.TryRemove(KeyValuePair.Create(_id, this));
        if (_source.TrySetException(exception))
        {
            // Some who wait have left without looking.
            _ = _source.Task.Exception;
        }
    }
}

/// <summary>An answer may have been given and lost on the way, or its request may be.</summary>
/// <param name="restored">Whether the same request would be answered, if it were sent again.</param>
public sealed class ReplyLostException(string reason, bool restored) : Exception(reason)
{
    public bool Restored => restored;
}
