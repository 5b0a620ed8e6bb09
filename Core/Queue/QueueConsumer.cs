using System.Collections.Concurrent;
using InferenceTemplate.Core.Queue.Scripts;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// A worker's place in the consumer groups of one model version. What it reads is in flight until it is completed, returned or retried;
/// in flight it must be kept (<see cref="KeepAsync"/>), else another worker gets it. Several callers may use it at once.
/// </summary>
public sealed partial class QueueConsumer(
    IConnectionMultiplexer redis,
    QueueWakeup wakeup,
    QueueCancellations cancellations,
    IOptions<QueueOptions> options,
    TimeProvider time,
    ILogger<QueueConsumer> logger,
    string worker,
    string model,
    string version)
{
    private readonly QueueName _queue = new(model, version);
    private readonly RedisKey[] _keys = QueueKeys.All(new QueueName(model, version));

    // By the request too: Redis that lost its data may give an entry's id again within the same millisecond.
    private readonly ConcurrentDictionary<(Priority Level, string Entry, Guid Request), QueuedRequest> _inFlight = new();

    private readonly ReplyOutbox _outbox = new(redis, time, logger, worker);

    private long _nextSearch = long.MinValue;

    /// <summary>Told of work that was removed without a run: why, and how much.</summary>
    public Action<string, int>? Dropped { get; set; }

    /// <summary>
    /// Awaited before a request becomes a dead letter, with the reason; where it throws the request stays, and is tried again.
    /// </summary>
    public Func<QueuedRequest, string, Task>? BeforeDeadLetter { get; set; }

    /// <summary>What was read and is neither completed, returned nor retried.</summary>
    public IReadOnlyCollection<QueuedRequest> InFlight => [.. _inFlight.Values];

    private IDatabase Database => redis.GetDatabase();

    /// <summary>
    /// Takes up to <paramref name="count"/> requests: first what other workers returned or lost, then new ones, the levels of
    /// priority by their weights. Work that is past its deadline (but for jobs) or whose caller left is removed instead.
    /// </summary>
    public async Task<IReadOnlyList<QueuedRequest>> ReadAsync(int count)
    {
        var set = options.Value;
        var answer = (RedisResult[])(await QueueScripts.Take.EvaluateAsync(
            Database,
            _keys,
            QueueKeys.WorkerGroup,
            worker,
            count,
            time.GetUtcNow().ToUnixTimeMilliseconds(),
            IsSearchDue() ? 1 : 0,
            (long)set.VisibilityTime.TotalMilliseconds,
            (long)set.RetryBackoff.TotalMilliseconds,
            (long)QueueOptions.LongestBackoff.TotalMilliseconds,
            set.MaxDeliveries,
            (long)(set.VisibilityTime * 6).TotalMilliseconds))!;
        ReportDropped("expired", (int)answer[0]);
        ReportDropped("cancelled", (int)answer[1]);
        return await DecodeAsync((RedisResult[])answer[2]!);
    }

    /// <summary>Waits until new work is likely, or for the poll interval.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) =>
        wakeup.WaitAsync(_queue, options.Value.PollInterval, cancellationToken);

    /// <summary>Answers the callers and removes the entries: in one pipeline, but for large answers, whose entries go after them.</summary>
    public async Task CompleteAsync(IReadOnlyList<QueuedRequest> requests, Replies replies)
    {
        try
        {
            List<QueuedRequest> large = [.. requests.Where(r => replies.Large.ContainsKey(r.Request.Id))];

            // A run may also have had requests that came by direct connections: their answers are not sent here.
            HashSet<string> replicas = new(requests.Select(r => r.Request.ReplyTo), StringComparer.Ordinal);
            await Task.WhenAll(
                _outbox.SendAsync(replies.Messages.Where(m => replicas.Contains(m.Replica))),
                RemoveAsync(large.Count == 0 ? requests : [.. requests.Except(large)]),
                SendLargeAsync(large, replies));
        }
        finally
        {
            Release(requests);
        }
    }

    /// <summary>
    /// Says that this worker still has these requests. Call it with <see cref="InFlight"/> every <see cref="QueueOptions.KeepInterval"/>.
    /// </summary>
    /// <returns>Those that another worker has by now, since this one was silent for too long: neither run nor answer them.</returns>
    public async Task<IReadOnlyList<QueuedRequest>> KeepAsync(IReadOnlyCollection<QueuedRequest> requests)
    {
        QueuedRequest[] asked = [.. requests];
        if (asked.Length == 0)
        {
            return [];
        }

        RedisValue[] values = [QueueKeys.WorkerGroup, worker, .. asked.SelectMany(r => (RedisValue[])[r.Level, r.EntryId])];
        var places = (int[])(await QueueScripts.Keep.EvaluateAsync(Database, _keys, values))!;
        QueuedRequest[] lost = [.. places.Select(place => asked[place - 1])];
        Release(lost);
        if (lost.Length > 0)
        {
            LogLost(lost.Length, _queue);
        }

        return lost;
    }

    /// <summary>
    /// Hands work back that was not begun: it keeps its place, the delivery does not count, and other workers are woken.
    /// </summary>
    public async Task ReturnAsync(IReadOnlyList<QueuedRequest> requests)
    {
        if (requests.Count > 0)
        {
            await NackAsync(requests, QueueKeys.ReturnedConsumer, TimeSpan.Zero, counts: false);
        }
    }

    /// <summary>
    /// Hands work back of which nothing can be known yet: it is given out again after a while, and others meanwhile; the delivery does not
    /// count.
    /// </summary>
    public async Task PostponeAsync(IReadOnlyList<QueuedRequest> requests, TimeSpan wait)
    {
        if (requests.Count > 0)
        {
            var idle = options.Value.VisibilityTime - wait;
            await NackAsync(requests, QueueKeys.RetryConsumer, idle > TimeSpan.Zero ? idle : TimeSpan.Zero, counts: false);
        }
    }

    /// <summary>Has a request tried again after a while, by whichever worker; it was not to blame for the failure.</summary>
    /// <returns>False when it was its last delivery: then it is a dead letter.</returns>
    public async Task<bool> RetryAsync(QueuedRequest request, string reason)
    {
        if (request.AllDeliveries >= options.Value.MaxDeliveries)
        {
            await DeadLetterAsync(request, reason);
            return false;
        }

        // Other workers look for what has been idle for the visibility time and a backoff: it begins with most of that behind it.
        var due = options.Value.VisibilityTime
            + (request.Deliveries > 1 ? options.Value.BackoffAfter(request.Deliveries - 1) : TimeSpan.Zero);
        var idle = due - options.Value.BackoffAfter(request.Deliveries);
        await NackAsync([request], QueueKeys.RetryConsumer, idle > TimeSpan.Zero ? idle : TimeSpan.Zero, counts: true);
        return true;
    }

    /// <summary>
    /// Lets go of requests without a word to Redis, as after a failure: a worker gets them again after the visibility time. The other
    /// ways out of hand end with this, whether they succeed or throw.
    /// </summary>
    public void Release(IEnumerable<QueuedRequest> requests)
    {
        foreach (var request in requests)
        {
            _inFlight.TryRemove((request.Request.Priority, request.EntryId, request.Request.Id), out _);
            cancellations.Remove(request);
        }
    }

    /// <summary>
    /// Calls <paramref name="terminate"/> once the callers of all requests of a run have left; not after the result is disposed.
    /// </summary>
    public static IDisposable OnAbandoned(IReadOnlyList<QueuedRequest> run, Action terminate) => new RunWatch(run, terminate);

    private async Task NackAsync(IReadOnlyList<QueuedRequest> requests, string owner, TimeSpan idle, bool counts)
    {
        RedisValue[] values =
        [
            QueueKeys.WorkerGroup, worker, owner, (long)idle.TotalMilliseconds, QueueKeys.WakeChannel, _queue.ToString(),
            .. requests.SelectMany(r => (RedisValue[])[r.Level, r.EntryId, counts ? r.Deliveries : r.Deliveries - 1]),
        ];
        try
        {
            await QueueScripts.Nack.EvaluateAsync(Database, _keys, values);
        }
        finally
        {
            Release(requests);
        }
    }

    private bool IsSearchDue()
    {
        // Several callers may find it due; a search too many does no harm.
        var now = time.GetTimestamp();
        if (now < Interlocked.Read(ref _nextSearch))
        {
            return false;
        }

        var interval = Math.Clamp(options.Value.VisibilityTime.TotalSeconds / 4, 0.025, 1);
        Interlocked.Exchange(ref _nextSearch, now + (long)(interval * time.TimestampFrequency));
        return true;
    }

    private async Task SendLargeAsync(IReadOnlyList<QueuedRequest> requests, Replies replies)
    {
        foreach (var request in requests)
        {
            await _outbox.SendLargeAsync(request, replies.Large[request.Request.Id]);
            await RemoveAsync([request]);
        }
    }

    private Task RemoveAsync(IReadOnlyList<QueuedRequest> requests) =>
        requests.Count == 0 ? Task.CompletedTask : RemoveAsync(Database, [.. requests.Select(r => (r.Level, r.EntryId, r.Bytes))]);

    private Task<RedisResult> RemoveAsync(IDatabase database, IReadOnlyList<(int Level, string Entry, int Bytes)> entries)
    {
        RedisValue[] values = [QueueKeys.WorkerGroup, worker, .. entries.SelectMany(e => (RedisValue[])[e.Level, e.Entry, e.Bytes])];
        return QueueScripts.Remove.EvaluateAsync(database, _keys, values);
    }

    private void ReportDropped(string reason, int count)
    {
        if (count > 0)
        {
            Dropped?.Invoke(reason, count);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Count} requests of {Queue} were given to another worker, since this one had not renewed them")]
    private partial void LogLost(int count, QueueName queue);
}
