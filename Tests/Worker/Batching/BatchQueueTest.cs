using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Worker.Batching;

namespace InferenceTemplate.Tests.Worker.Batching;

/// <summary>A batch queue that is cranked by hand: a test says what time it is and when an instance is free.</summary>
public abstract class BatchQueueTest
{
    private protected static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(100);

    private protected DateTimeOffset Now { get; set; } = Requests.Start;

    private protected static BatchRules Rules(
        int maxRows, TimeSpan delay = default, int[]? preferred = null, RaggedShapes ragged = RaggedShapes.Separate,
        long maxBytes = 1 << 20) =>
        new(maxRows, preferred ?? [], delay, ragged, 1, maxBytes);

    private protected static BatchQueue Queue(
        int maxRows, TimeSpan delay = default, int[]? preferred = null, RaggedShapes ragged = RaggedShapes.Separate,
        long maxBytes = 1 << 20) =>
        new(Rules(maxRows, delay, preferred, ragged, maxBytes), new BatchTuner(maxRows), sharesRuns: true);

    private protected void Add(BatchQueue queue, string id, long[] shape, Priority priority = Priority.Normal) =>
        queue.Add(Requests.Pending(id, shape, priority, at: Now), Now);

    private protected IEnumerable<string>? Take(BatchQueue queue) => queue.Take(Now)?.Select(r => r.Queued.EntryId);
}
