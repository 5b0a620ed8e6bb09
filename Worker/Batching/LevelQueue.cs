using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Worker.Batching;

/// <summary>
/// Requests of this worker that wait for room among those that form batches, by priority. Weights are those of the queue in Redis:
/// of 21 turns high has 16, normal 4 and low 1; a level without work leaves its turns to the others, the higher first, and shadow
/// requests get what is left.
/// </summary>
internal sealed class LevelQueue
{
    private static readonly Priority[] Turns =
    [
        Priority.High, Priority.High, Priority.High, Priority.High, Priority.Normal,
        Priority.High, Priority.High, Priority.High, Priority.High, Priority.Normal,
        Priority.High, Priority.High, Priority.High, Priority.High, Priority.Normal,
        Priority.High, Priority.High, Priority.High, Priority.High, Priority.Normal, Priority.Low,
    ];

    private readonly Queue<PendingRequest>[] _levels = [.. Enumerable.Range(0, QueueKeys.Levels).Select(_ => new Queue<PendingRequest>())];
    private int _turn;

    public int Count { get; private set; }

    public void Add(PendingRequest request)
    {
        _levels[(int)request.Request.Priority].Enqueue(request);
        Count++;
    }

    /// <summary>The next one; there must be one.</summary>
    public PendingRequest Take()
    {
        var level = _levels[(int)Turns[_turn]];
        _turn = (_turn + 1) % Turns.Length;
        Count--;
        return (level.Count > 0 ? level : Array.Find(_levels, l => l.Count > 0)!).Dequeue();
    }

    public void Remove(Predicate<PendingRequest> match, List<PendingRequest> removed)
    {
        for (var i = 0; i < _levels.Length; i++)
        {
            var kept = new Queue<PendingRequest>();
            foreach (var request in _levels[i])
            {
                if (match(request))
                {
                    removed.Add(request);
                    Count--;
                }
                else
                {
                    kept.Enqueue(request);
                }
            }

            _levels[i] = kept;
        }
    }
}
