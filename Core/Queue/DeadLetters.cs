using InferenceTemplate.Core.Queue.Scripts;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>A request that was given up.</summary>
/// <param name="Deliveries">How often a worker was given it.</param>
/// <param name="Request">What it asks; null where its message can't be read.</param>
/// <param name="Bytes">Size of its message.</param>
public sealed record DeadLetter(string Id, string Reason, int Deliveries, DateTimeOffset Time, InferenceRequest? Request, int Bytes);

public enum RequeueOutcome
{
    Requeued,

    /// <summary>There is no such dead letter, or it can't be read.</summary>
    Unknown,

    /// <summary>The queue has no room now.</summary>
    Full,
}

/// <summary>Looks at the dead letters of a model version, puts them back, and throws them away.</summary>
/// <exception cref="QueueUnavailableException">Thrown by every member when Redis could not be reached or refused.</exception>
public sealed class DeadLetters(IConnectionMultiplexer redis, IOptions<QueueOptions> options, TimeProvider time)
{
    private const int PageSize = 100;

    /// <summary>
    /// Queues a job anew. What is known of a job elsewhere is the truth, and whoever keeps it brings it to its queue; false forbids it.
    /// </summary>
    public Func<Guid, Task<bool>>? RequeueJob { get; set; }

    /// <summary>A page of them, oldest first.</summary>
    /// <param name="after">The id of the last one of the page before; null for the first page.</param>
    public Task<IReadOnlyList<DeadLetter>> ListAsync(QueueName queue, string? after, int count) => OnRedisAsync(async database =>
    {
        var entries = await database.StreamRangeAsync(Key(queue), after is null ? "-" : $"({after}", "+", count);
        return (IReadOnlyList<DeadLetter>)[.. entries.Select(Read)];
    });

    /// <summary>The latest of them, newest first.</summary>
    public Task<IReadOnlyList<DeadLetter>> NewestAsync(QueueName queue, int count) => OnRedisAsync(async database =>
    {
        var entries = await database.StreamRangeAsync(Key(queue), "-", "+", count, Order.Descending);
        return (IReadOnlyList<DeadLetter>)[.. entries.Select(Read)];
    });

    /// <summary>
    /// Puts one back into its queue as new: its deliveries count from nothing, and it gets the longest timeout, since its own is long over.
    /// </summary>
    public async Task<RequeueOutcome> RequeueAsync(QueueName queue, string id)
    {
        var letter = (await OnRedisAsync(database => database.StreamRangeAsync(Key(queue), id, id, 1))).Select(Read).FirstOrDefault();
        if (letter?.Request is not { } dead)
        {
            return RequeueOutcome.Unknown;
        }

        if (dead.Kind == RequestKind.Job && RequeueJob is { } requeueJob)
        {
            if (!await requeueJob(dead.Id))
            {
                return RequeueOutcome.Unknown;
            }

            await PurgeAsync(queue, id);
            return RequeueOutcome.Requeued;
        }

        var now = time.GetUtcNow();
        var deadline = dead.Deadline > now ? dead.Deadline : now + options.Value.MaxTimeout;
        var request = dead with { EnqueuedAt = now, Deadline = deadline, EarlierDeliveries = 0 };
        var answer = (int)await OnRedisAsync(database => QueueScripts.Requeue.EvaluateAsync(
            database, QueueKeys.All(queue), [.. AdmissionValues.Of(request, queue, options.Value), id]));
        return answer switch
        {
            (int)EnqueueOutcome.Enqueued => RequeueOutcome.Requeued,
            -1 => RequeueOutcome.Unknown,
            _ => RequeueOutcome.Full,
        };
    }

    /// <summary>Puts all back that there are now, oldest first, until the queue is full.</summary>
    /// <returns>How many were put back.</returns>
    public async Task<int> RequeueAllAsync(QueueName queue)
    {
        var requeued = 0;
        string? after = null;
        var last =
            (await OnRedisAsync(database => database.StreamRangeAsync(Key(queue), "-", "+", 1, Order.Descending))).FirstOrDefault().Id;
        while (!last.IsNull && await ListAsync(queue, after, PageSize) is { Count: > 0 } page)
        {
            foreach (var letter in page)
            {
                var outcome = await RequeueAsync(queue, letter.Id);
                requeued += outcome == RequeueOutcome.Requeued ? 1 : 0;
                if (outcome == RequeueOutcome.Full || letter.Id == last)
                {
                    return requeued;
                }
            }

            after = page[^1].Id;
        }

        return requeued;
    }

    /// <returns>Whether it was there.</returns>
    public async Task<bool> PurgeAsync(QueueName queue, string id) =>
        await OnRedisAsync(database => database.StreamDeleteAsync(Key(queue), [id])) == 1;

    /// <returns>How many there were.</returns>
    public Task<long> PurgeAllAsync(QueueName queue) =>
        OnRedisAsync(database => database.StreamTrimAsync(Key(queue), 0, useApproximateMaxLength: false));

    /// <summary>Whether a text has the form of an id.</summary>
    public static bool IsId(string text) =>
        text.Split('-') is [var milliseconds, var number] && ulong.TryParse(milliseconds, out _) && ulong.TryParse(number, out _);

    private static RedisKey Key(QueueName queue) => QueueKeys.All(queue)[QueueKeys.Levels + 2];

    private static DeadLetter Read(StreamEntry entry)
    {
        var message = (byte[])entry["request"]!;
        InferenceRequest? request = null;
        try
        {
            request = RequestCodec.Decode(message);
        }
        catch (InvalidDataException)
        {
            // It can still be seen and purged.
        }

        return new DeadLetter(
            entry.Id!, entry["reason"]!, (int)entry["deliveries"], DateTimeOffset.FromUnixTimeMilliseconds((long)entry["time"]), request,
            message.Length);
    }

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
