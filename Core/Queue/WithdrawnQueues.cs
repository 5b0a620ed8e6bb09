using InferenceTemplate.Core.Queue.Scripts;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// Ends what waits for model versions that nobody serves any more. What a worker holds is that worker's to end; a call that is taken out
/// as this process dies is told nothing, and waits for its deadline.
/// </summary>
/// <exception cref="QueueUnavailableException">Thrown by every member when Redis could not be reached or refused.</exception>
public sealed partial class WithdrawnQueues(
    IConnectionMultiplexer redis, IOptions<QueueOptions> options, TimeProvider time, ILogger<WithdrawnQueues> logger)
{
    // Of entries in one script, during which nobody else gets an answer.
    private const int ScriptBytes = 1 << 20;
    private const int Page = 16;

    private readonly ReplyOutbox _outbox = new(redis, time, logger, worker: "");

    /// <summary>Refuses the calls that wait. Jobs wait on, until the version is served again or their own deadline.</summary>
    public Task RefuseCallsAsync(QueueName queue, string reason) => WithdrawAsync(queue, reason, everything: false);

    /// <summary>
    /// Refuses the calls that wait, drops all else, dead letters too, and leaves no key. As long as a worker holds something the keys stay:
    /// remove it again later. What becomes of jobs is for their rows to tell.
    /// </summary>
    public Task RemoveAsync(QueueName queue, string reason) => WithdrawAsync(queue, reason, everything: true);

    /// <summary>Removes what a tenant that is gone has in a queue, whoever holds it.</summary>
    public Task RemoveOfTenantAsync(QueueName queue, string tenant) => OnRedisAsync(async database =>
    {
        var keys = QueueKeys.All(queue);
        for (var level = 0; level < QueueKeys.Levels; level++)
        {
            RedisValue from = "-";
            while (await database.StreamRangeAsync(keys[level], from, "+", Page) is { Length: > 0 } page)
            {
                foreach (var entry in page)
                {
                    var message = (byte[]?)entry["request"] ?? [];
                    if (Decode(queue, message)?.TenantId == tenant)
                    {
                        await QueueScripts.Remove.EvaluateAsync(
                            database, keys, QueueKeys.WorkerGroup, RedisValue.EmptyString, level + 1, entry.Id, message.Length);
                    }
                }

                from = $"({page[^1].Id}";
            }
        }

        return true;
    });

    private Task<int> WithdrawAsync(QueueName queue, string reason, bool everything) => OnRedisAsync(async database =>
    {
        var (level, from, refused) = (1, RedisValue.EmptyString, 0);
        while (level > 0)
        {
            var answer = (RedisResult[])(await QueueScripts.Withdraw.EvaluateAsync(
                database,
                QueueKeys.All(queue),
                QueueKeys.WorkerGroup,
                (long)options.Value.VisibilityTime.TotalMilliseconds,
                (long)options.Value.MaxTimeout.TotalMilliseconds,
                everything ? 1 : 0,
                ScriptBytes,
                level,
                from))!;
            (level, from) = ((int)answer[0], (RedisValue)answer[1]);
            var replies = new Replies();
            foreach (var message in (byte[][])answer[3]!)
            {
                if (Decode(queue, message) is { ReplyTo.Length: > 0 } call)
                {
                    replies.Refuse(call, ReplyOutcome.NotLoaded, reason, time.GetUtcNow(), worker: "");
                    refused++;
                }
            }

            await _outbox.SendAsync(replies.Messages);
        }

        if (refused > 0)
        {
            LogRefused(refused, queue, reason);
        }

        return refused;
    });

    private InferenceRequest? Decode(QueueName queue, byte[] message)
    {
        try
        {
            return RequestCodec.Decode(message);
        }
        catch (InvalidDataException exception)
        {
            // Whose it was is in the part that can't be read.
            LogUnreadable(exception, queue);
            return null;
        }
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

    [LoggerMessage(LogLevel.Information, "{Count} requests that waited for {Queue} were refused: {Reason}")]
    private partial void LogRefused(int count, QueueName queue, string reason);

    [LoggerMessage(LogLevel.Error, "An entry of the queue of {Queue} could not be read")]
    private partial void LogUnreadable(Exception exception, QueueName queue);
}
