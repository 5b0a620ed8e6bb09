using System.Collections.Concurrent;
using InferenceTemplate.Data;
using Npgsql;

namespace InferenceTemplate.Api.Auth;

/// <summary>Answers of the database, each asked for again after one second.</summary>
internal sealed class ExpiringCache<TKey, TValue>(TimeProvider time, IEqualityComparer<TKey> comparer)
    where TKey : notnull
    where TValue : class
{
    // That there is nothing is cached too; the bound keeps a guesser from filling memory.
    private const int MaxEntries = 10_000;

    private static readonly TimeSpan CacheDuration = TimeSpan.FromSeconds(1);

    // A database that does not even refuse must not hold up callers whose answer is known,
    private static readonly TimeSpan WaitTimeout = TimeSpan.FromSeconds(2);

    // nor others for as long as a query may take.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<TKey, Entry> _entries = new(comparer);

    /// <summary>What is known and need not be asked for again; null where it must.</summary>
    public TValue? Known<TAlternate>(TAlternate key)
        where TAlternate : notnull, allows ref struct =>
        _entries.GetAlternateLookup<TAlternate>().TryGetValue(key, out var known) && IsFresh(known, time.GetTimestamp())
            && known.Answer.IsCompletedSuccessfully
            ? known.Answer.Result
            : null;

    /// <exception cref="NpgsqlException">The database can't be asked, or does not answer.</exception>
    public Task<TValue?> GetAsync(TKey key, Func<TKey, Task<TValue?>> query) => AnswerAsync(Ask(key, query));

    /// <summary>As <see cref="GetAsync"/>; the last answer, however old, where the database can't be asked.</summary>
    public async Task<TValue?> GetOrLastAsync(TKey key, Func<TKey, Task<TValue?>> query)
    {
        var entry = Ask(key, query);
        if (entry.Last is not { } last)
        {
            return await AnswerAsync(entry);
        }

        try
        {
            return await entry.Answer.WaitAsync(WaitTimeout, time);
        }
        catch (Exception exception) when (exception is TimeoutException || Outages.IsDatabaseAway(exception))
        {
            return last;
        }
    }

    private Task<TValue?> AnswerAsync(Entry entry)
    {
        return entry.Answer.IsCompleted ? entry.Answer : WithinAsync();

        async Task<TValue?> WithinAsync()
        {
            try
            {
                return await entry.Answer.WaitAsync(LongestWait, time);
            }
            catch (TimeoutException exception)
            {
                throw new NpgsqlException($"Postgres did not answer within {LongestWait.TotalSeconds} s", exception);
            }
        }
    }

    private Entry Ask(TKey key, Func<TKey, Task<TValue?>> query)
    {
        var now = time.GetTimestamp();
        var known = _entries.GetValueOrDefault(key);
        if (known is not null && IsFresh(known, now))
        {
            return known;
        }

        if (_entries.Count >= MaxEntries)
        {
            _entries.Clear();
        }

        var last = known?.Answer is { IsCompletedSuccessfully: true, Result: { } answer } ? answer : known?.Last;
        return _entries[key] = new Entry(query(key), now, last);
    }

    private bool IsFresh(Entry entry, long now) => time.GetElapsedTime(entry.AskedAt, now) < CacheDuration && !entry.Answer.IsFaulted;

    /// <param name="Last">What was known before; null where nothing was.</param>
    private sealed record Entry(Task<TValue?> Answer, long AskedAt, TValue? Last);
}
