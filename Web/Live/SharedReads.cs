using System.Collections.Concurrent;
using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.SignIn;

namespace InferenceTemplate.Web.Live;

/// <summary>
/// What the overview, the page of workers and the counts beside the sections ask again and again is asked once for all of them of one API
/// key in this process: fifty open dashboards cost the Api little more than one does. Nothing is shared between keys, since each may use
/// other models; and no token sees an answer unless the Api took that token itself within <see cref="ProofHolds"/>, so that a key that
/// ended ends these pages.
/// </summary>
internal sealed class SharedReads(TimeProvider time)
{
    /// <summary>How long a token that the Api took may see what another one of its key was answered.</summary>
    /// <remarks>Twice as long as the slowest question is shared, or each token would have to ask that one for itself.</remarks>
    public static readonly TimeSpan ProofHolds = 2 * SharedOverview.Slow;

    /// <summary>What nobody has asked for is forgotten.</summary>
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(string Identity, string What), Slot> _slots = new();

    /// <param name="what">The same for the same question only.</param>
    /// <param name="age">How old an answer may be.</param>
    public async Task<SharedAnswer<T>> ReadAsync<T>(
        Session session, string what, TimeSpan age, Func<Task<ApiResult<T>>> read, CancellationToken cancellationToken)
        where T : class
    {
        var slot = _slots.GetOrAdd((session.Identity, what), _ => new Slot());
        slot.AskedAt = time.GetUtcNow();
        Forget();
        if (!MaySee(slot, slot.Last, session))
        {
            return await AskAsync(slot, session, read);
        }

        // Others wait for the one that asks, and take its answer.
        await slot.Turn.WaitAsync(cancellationToken);
        try
        {
            var last = slot.Last;
            return last?.Answer is SharedAnswer<T> answer && time.GetUtcNow() - answer.At < age && MaySee(slot, last, session)
                ? answer
                : await AskAsync(slot, session, read);
        }
        finally
        {
            slot.Turn.Release();
        }
    }

    // That the Api can't be reached is no secret, and asking once more for each page would not help it.
    private bool MaySee(Slot slot, CachedResponse? last, Session session) =>
        last is { Fails: true } || (slot.Proofs.TryGetValue(session.AccessToken, out var at) && time.GetUtcNow() - at < ProofHolds);

    private async Task<SharedAnswer<T>> AskAsync<T>(Slot slot, Session session, Func<Task<ApiResult<T>>> read)
        where T : class
    {
        var began = slot.Begin();
        var result = await read();
        var answer = new SharedAnswer<T>(result, time.GetUtcNow());
        if (result.Failure is ApiFailure.Unauthorized or ApiFailure.Forbidden or ApiFailure.Limited)
        {
            // Of this token alone.
            slot.Proofs.TryRemove(session.AccessToken, out _);
            return answer;
        }

        slot.Keep(new CachedResponse(answer, result.Failure is not null, began));
        if (result.Failure is null)
        {
            slot.Proofs[session.AccessToken] = answer.At;
            foreach (var (token, at) in slot.Proofs)
            {
                if (answer.At - at >= ProofHolds)
                {
                    slot.Proofs.TryRemove(token, out _);
                }
            }
        }

        return answer;
    }

    private void Forget()
    {
        var old = time.GetUtcNow() - KeptFor;
        foreach (var (key, slot) in _slots)
        {
            if (slot.AskedAt < old)
            {
                _slots.TryRemove(key, out _);
            }
        }
    }

    /// <param name="Answer">A <see cref="SharedAnswer{T}"/>.</param>
    /// <param name="Fails">Whether it is that there is none.</param>
    /// <param name="Began">Which of the slot's reads it came of.</param>
    private sealed record CachedResponse(object Answer, bool Fails, long Began);

    private sealed class Slot
    {
        private long _begun;
        private CachedResponse? _last;

        public SemaphoreSlim Turn { get; } = new(1);

        public ConcurrentDictionary<string, DateTimeOffset> Proofs { get; } = new(StringComparer.Ordinal);

        public DateTimeOffset AskedAt { get; set; }

        public CachedResponse? Last => Volatile.Read(ref _last);

        public long Begin() => Interlocked.Increment(ref _begun);

        /// <summary>Not where a read that began later was answered already.</summary>
        public void Keep(CachedResponse response)
        {
            CachedResponse? before;
            do
            {
                before = Last;
            }
            while ((before is null || before.Began < response.Began)
                && Interlocked.CompareExchange(ref _last, response, before) != before);
        }
    }
}

/// <param name="At">When the Api gave it.</param>
internal sealed record SharedAnswer<T>(ApiResult<T> Result, DateTimeOffset At)
    where T : class;
