using System.Collections.Concurrent;
using InferenceTemplate.Core.Queue.Scripts;
using InferenceTemplate.Core.Tenants;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>The Api's side of the queue: admits a request by one script, hence one round trip.</summary>
public sealed class RequestQueue(IConnectionMultiplexer redis, IOptions<QueueOptions> options, TimeProvider time)
{
    // Of the requests in one script, during which nobody else gets an answer.
    private const long ScriptBytes = 1 << 20;

    private static readonly Admission s_passed = new(EnqueueOutcome.Enqueued, 0, 0, 0);

    private readonly ConcurrentDictionary<QueueName, RedisKey[]> _keys = new();

    /// <summary>
    /// Queues a request where the bounds allow it. They are checked where the entry is added, so they are exact over all Api replicas.
    /// </summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<Admission> EnqueueAsync(InferenceRequest request, AdmissionExtras? extras = null)
    {
        if (request.Deadline <= time.GetUtcNow())
        {
            return new Admission(EnqueueOutcome.Expired, 0, 0, 0);
        }

        var queue = new QueueName(request.Model, request.Version);
        return Read(await OnRedisAsync(
            database => AdmitAsync(database, Keys(queue), AdmissionValues.Of(request, queue, options.Value), request, extras)));
    }

    /// <summary>Queues jobs of one version in their order, many in one round trip, until one finds the queue full of requests.</summary>
    /// <returns>An outcome for each that was looked at; those behind a full queue, or behind an outage, were not.</returns>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<IReadOnlyList<EnqueueOutcome>> EnqueueJobsAsync(QueueName queue, IReadOnlyList<QueuedJob> jobs)
    {
        List<EnqueueOutcome> outcomes = [];
        while (outcomes.Count < jobs.Count && outcomes is not [.., EnqueueOutcome.Full])
        {
            List<RedisValue> values = [.. AdmissionValues.OfQueue(queue, options.Value)];
            var bytes = 0L;
            for (var i = outcomes.Count; i < jobs.Count && (i == outcomes.Count || bytes + jobs[i].Encoded.Length <= ScriptBytes); i++)
            {
                values.AddRange(AdmissionValues.OfEntry(jobs[i].Request, jobs[i].Encoded));
                bytes += jobs[i].Encoded.Length;
            }

            try
            {
                var answers = (RedisResult[])(await OnRedisAsync(
                    database => QueueScripts.AdmitMany.EvaluateAsync(database, Keys(queue), [.. values])))!;
                outcomes.AddRange(answers.Select(answer => (EnqueueOutcome)(int)answer));
            }
            catch (QueueUnavailableException) when (outcomes.Count > 0)
            {
                // What is queued already must not be queued again.
                break;
            }
        }

        return outcomes;
    }

    /// <summary>
    /// Counts a request that goes to a worker directly against its tenant's limits, and looks into the cache, as <see cref="EnqueueAsync"/>
    /// does; it is queued nowhere. Asks nobody where there is neither.
    /// </summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public ValueTask<Admission> PassAsync(InferenceRequest request, AdmissionExtras? extras) =>
        request.Deadline <= time.GetUtcNow() ? new(new Admission(EnqueueOutcome.Expired, 0, 0, 0))
        : extras is null || (extras.CacheKey is null && extras.Tenant is not { Limits.AreCounted: true }) ? new(s_passed)
        : new(CountAsync(request, extras));

    /// <summary>Has workers open a version for which nothing is queued yet. They may not hear of it.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public Task WakeAsync(QueueName queue) =>
        OnRedisAsync(database => database.PublishAsync(RedisChannel.Literal(QueueKeys.WakeChannel), queue.ToString()));

    /// <summary>
    /// Says that nobody waits for a request any more: it is dropped when it is read, and workers that have it hear at once.
    /// </summary>
    /// <param name="until">When the request would have ended anyway.</param>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public Task CancelAsync(QueueName queue, Guid request, DateTimeOffset until)
    {
        var now = time.GetUtcNow();
        return until <= now
            ? Task.CompletedTask
            : OnRedisAsync(database => QueueScripts.Cancel.EvaluateAsync(
                database,
                Keys(queue),
                request.ToByteArray(),
                now.ToUnixTimeMilliseconds(),
                until.ToUnixTimeMilliseconds(),
                QueueKeys.CancelChannel));
    }

    /// <summary>Requests waiting or running, per model version, in the order asked.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<long[]> DepthsAsync(IEnumerable<(string Model, string Version)> versions) =>
        [.. (await StatsAsync(versions.Select(v => new QueueName(v.Model, v.Version)))).Select(s => s.Depth)];

    /// <summary>Those queues that hold requests which no worker has taken.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<IReadOnlyList<QueueName>> WaitingAsync(IEnumerable<QueueName> queues) =>
        [.. (await StatsAsync(queues)).Where(s => s.Waiting > 0).Select(s => s.Queue)];

    /// <summary>How the queues stand, in the order asked.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public Task<QueueStats[]> StatsAsync(IEnumerable<QueueName> queues) =>
        OnRedisAsync(database => Task.WhenAll(queues.Select(queue => StatsAsync(database, queue))));

    /// <summary>The jobs that the queue holds entries of, waiting or running.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public Task<IReadOnlySet<Guid>> JobsAsync(QueueName queue) => OnRedisAsync<IReadOnlySet<Guid>>(async database =>
    {
        var (level, from, ids) = (1, RedisValue.EmptyString, new HashSet<Guid>());
        while (level > 0)
        {
            var answer = (RedisResult[])(await QueueScripts.Jobs.EvaluateAsync(database, Keys(queue), ScriptBytes, level, from))!;
            (level, from) = ((int)answer[0], (RedisValue)answer[1]);
            ids.UnionWith(((byte[][])answer[2]!).Where(id => id.Length == 16).Select(id => new Guid(id)));
        }

        return ids;
    });

    private async Task<Admission> CountAsync(InferenceRequest request, AdmissionExtras extras)
    {
        var keys = Keys(new QueueName(request.Model, request.Version));
        return Read(await OnRedisAsync(
            database => AdmitAsync(database, keys, AdmissionValues.WithoutRequest(request), request, extras, queued: false)));
    }

    private Task<RedisResult> AdmitAsync(
        IDatabase database, RedisKey[] keys, RedisValue[] values, InferenceRequest request, AdmissionExtras? extras, bool queued = true)
    {
        var tenant = extras?.Tenant is { Limits.AreCounted: true } counted ? counted : null;
        if (extras?.CacheKey is { } cacheKey)
        {
            keys = [.. keys, cacheKey];
        }

        if (tenant is not null)
        {
            keys = [.. keys, .. TenantKeys.All(tenant)];
            values = [.. values, .. TenantKeys.Values(tenant.Limits, request.Deadline - time.GetUtcNow())];
        }

        return QueueScripts.Admit(tenant is not null, extras?.CacheKey is not null, queued).EvaluateAsync(database, keys, values);
    }

    private static Admission Read(RedisResult result)
    {
        var answer = (RedisResult[])result!;
        return new Admission(
            (EnqueueOutcome)(int)answer[0],
            (long)answer[1],
            (long)answer[2],
            (long)answer[3],
            (int)answer[4],
            answer.Length > 5 ? (byte[]?)answer[5] : null,
            answer.Length > 6 ? TenantStanding.Read(answer.AsSpan(6)) : null);
    }

    private async Task<QueueStats> StatsAsync(IDatabase database, QueueName queue)
    {
        var answer = (RedisResult[])(await QueueScripts.Stats.EvaluateAsync(database, Keys(queue), QueueKeys.WorkerGroup))!;
        return new QueueStats(queue, (long)answer[0], (long)answer[1], (long)answer[2],
        [
            .. Enumerable.Range(0, QueueKeys.Levels).Select(level => new QueueLevelStats(
                (Priority)level,
                (long)answer[3 + (3 * level)],
                (long)answer[4 + (3 * level)],
                TimeSpan.FromMilliseconds(Math.Max(0, (long)answer[5 + (3 * level)])))),
        ]);
    }

    private RedisKey[] Keys(QueueName queue) => _keys.GetOrAdd(queue, QueueKeys.All);

    private async Task<T> OnRedisAsync<T>(Func<IDatabase, Task<T>> action)
    {
        try
        {
            return await action(redis.GetDatabase());
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
    }
}
