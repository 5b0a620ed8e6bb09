namespace InferenceTemplate.Core.Queue;

/// <summary>How the queue of one model version stands.</summary>
/// <param name="Bytes">Of the requests that wait or run.</param>
/// <param name="Removed">Requests that have left it since Redis was last empty.</param>
/// <param name="Levels">One for each <see cref="Priority"/>, in their order.</param>
public sealed record QueueStats(QueueName Queue, long Bytes, long Removed, long DeadLetters, QueueLevelStats[] Levels)
{
    public long Depth => Levels.Sum(l => l.Depth);

    /// <summary>Requests that no worker has taken.</summary>
    public long Waiting => Levels.Sum(l => l.Depth - l.Running);

    public TimeSpan OldestAge => Levels.Max(l => l.OldestAge);
}

/// <param name="Depth">Requests that wait or run.</param>
/// <param name="Running">Those that a worker has taken.</param>
/// <param name="OldestAge">Since the oldest of them was queued; zero where there is none.</param>
public sealed record QueueLevelStats(Priority Priority, long Depth, long Running, TimeSpan OldestAge);
