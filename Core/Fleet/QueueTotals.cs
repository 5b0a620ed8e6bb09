using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Core.Fleet;

/// <summary>
/// How the queues stand over both ways: what is in Redis, and what workers hold of direct connections as they said a second ago.
/// </summary>
public sealed class QueueTotals(RequestQueue queue, FleetRegistry fleet)
{
    /// <summary>In the order asked. Of what left, only that of Redis is counted.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<QueueStats[]> StatsAsync(IEnumerable<QueueName> queues)
    {
        var workers = fleet.WorkersAsync();
        var stats = await queue.StatsAsync(queues);
        var direct = (await workers).SelectMany(w => w.DirectQueues).ToLookup(q => q.Model, StringComparer.Ordinal);
        return [.. stats.Select(s => direct[s.Queue.ToString()].Aggregate(s, Add))];
    }

    private static QueueStats Add(QueueStats stats, DirectQueueStatus direct) => stats with
    {
        Bytes = stats.Bytes + direct.Bytes,
        Levels = [.. stats.Levels.Zip(direct.Levels, Add)],
    };

    // A worker has what it holds: of direct requests none waits to be taken.
    private static QueueLevelStats Add(QueueLevelStats level, DirectLevelStatus direct) => level with
    {
        Depth = level.Depth + direct.Depth,
        Running = level.Running + direct.Depth,
        OldestAge = TimeSpan.FromSeconds(Math.Max(level.OldestAge.TotalSeconds, direct.OldestSeconds)),
    };
}
