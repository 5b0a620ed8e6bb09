using System.Collections.Concurrent;
using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.SignIn;

namespace InferenceTemplate.Web.Live;

/// <summary>
/// What all pages of one API key ask again and again is asked once for all of them in this process: fifty open dashboards cost the Api
/// what one does. Nothing is shared between keys, since each may use other models; and no token sees an answer that the Api has not
/// given to that token itself within <see cref="ProofHolds"/>, so that a key that ended ends its pages.
/// </summary>
internal sealed class SharedReads(TimeProvider time)
{
    /// <summary>How long a token that the Api took may see what another one of its key was answered.</summary>
    public static readonly TimeSpan ProofHolds = TimeSpan.FromSeconds(15);

    /// <summary>What nobody has asked for is forgotten.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);

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
        if (!MaySee(slot, session))
        {
            return Keep(slot, session, await read());
        }

        // Others wait for the one that asks, and take its answer.
        await slot.Turn.WaitAsync(cancellationToken);
        try
        {
            return slot.Last is SharedAnswer<T> last && time.GetUtcNow() - last.At < age && MaySee(slot, session)
                ? last
                : Keep(slot, session, await read());
        }
        finally
        {
            slot.Turn.Release();
        }
    }

    // That the Api can't be reached is no secret, and asking once more for each page would not help it.
    private bool MaySee(Slot slot, Session session) =>
        slot.Fails || (slot.Proofs.TryGetValue(session.AccessToken, out var at) && time.GetUtcNow() - at < ProofHolds);

    private SharedAnswer<T> Keep<T>(Slot slot, Session session, ApiResult<T> result)
        where T : class
    {
        var answer = new SharedAnswer<T>(result, time.GetUtcNow());
        if (result.Failure is ApiFailure.Unauthorized or ApiFailure.Forbidden or ApiFailure.Limited)
        {
            // Of this token alone.
            slot.Proofs.TryRemove(session.AccessToken, out _);
            return answer;
        }

        (slot.Last, slot.Fails) = (answer, result.Failure is not null);
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
        var old = time.GetUtcNow() - Kept;
        foreach (var (key, slot) in _slots)
        {
            if (slot.AskedAt < old)
            {
                _slots.TryRemove(key, out _);
            }
        }
    }

    private sealed class Slot
    {
        public SemaphoreSlim Turn { get; } = new(1);

        public ConcurrentDictionary<string, DateTimeOffset> Proofs { get; } = new(StringComparer.Ordinal);

        public DateTimeOffset AskedAt { get; set; }

        public object? Last { get; set; }

        /// <summary>Whether the last answer was that there is none.</summary>
        public bool Fails { get; set; }
    }
}

/// <param name="At">When the Api gave it.</param>
internal sealed record SharedAnswer<T>(ApiResult<T> Result, DateTimeOffset At)
    where T : class;
