using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// Where one Api replica's callers wait. Answers come by pub/sub, many to a message, and large ones by a claim; one that nobody waits
/// for any more (its caller timed out or left) is dropped. Pub/sub keeps nothing: once its connection has broken, those who wait learn
/// at once that their answers may be lost.
/// </summary>
public sealed partial class ReplyInbox(
    IConnectionMultiplexer redis, IOptions<ResponseOptions> limits, ILogger<ReplyInbox> logger) : IHostedService
{
    // Names and shapes of outputs come on top of the bytes that are limited.
    private const int Surroundings = 1 << 20;

    private readonly ConcurrentDictionary<Guid, PendingReply> _waiting = new();
    private SubscriptionGuard? _guard;

    /// <summary>This replica's name, to which workers address answers; new at every start.</summary>
    public string Replica { get; } = $"{Environment.MachineName}-{Guid.NewGuid().ToString("N")[..8]}";

    public int Waiting => _waiting.Count;

    /// <summary>Registers a waiter; do this before enqueueing, and dispose it however the wait ends.</summary>
    public PendingReply Expect(Guid id) => _waiting[id] = new PendingReply(id, _waiting);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var channel = RedisChannel.Literal(QueueKeys.Replies(Replica));
        var guard = new SubscriptionGuard(redis, channel, Lose);
        await redis.GetSubscriber().SubscribeAsync(channel, (_, message) =>
        {
            if (!guard.Takes(message))
            {
                Deliver((byte[])message!);
            }
        });
        guard.Start();
        _guard = guard;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _guard?.Dispose();
        return redis.GetSubscriber().UnsubscribeAsync(RedisChannel.Literal(QueueKeys.Replies(Replica)));
    }

    /// <summary>Tells all who wait now that no answer may come.</summary>
    /// <param name="restored">Whether one would, if they asked again.</param>
    public void Lose(string reason, bool restored)
    {
        List<PendingReply> lost = [.. _waiting.Values.Where(waiter => !waiter.HasCome)];
        if (lost.Count > 0)
        {
            LogLost(lost.Count, reason);
            lost.ForEach(waiter => waiter.Lose(new ReplyLostException(reason, restored)));
        }
    }

    private void Deliver(byte[] message)
    {
        try
        {
            if (ReplyClaim.Is(message))
            {
                _ = FetchAsync(ReplyClaim.Decode(message));
                return;
            }

            foreach (var reply in ReplyBatch.Read(message))
            {
                if (_waiting.TryGetValue(reply.Id, out var waiter))
                {
                    waiter.Come(reply);
                }
            }
        }
        catch (InvalidDataException exception)
        {
            LogUnreadable(exception);
        }
    }

    private async Task FetchAsync(ReplyClaim claim)
    {
        var database = redis.GetDatabase();
        try
        {
            if (!_waiting.TryGetValue(claim.Id, out var waiter))
            {
                return;
            }

            waiter.HasCome = true;
            if (claim.Length > (long)limits.Value.ResponseBytes + Surroundings)
            {
                waiter.Come(TooLarge(claim, limits.Value.ResponseBytes));
            }
            else if (await ReadAsync(database, claim, waiter) is { } reply)
            {
                waiter.Come(reply);
            }
        }
        catch (Exception exception) when (exception is InvalidDataException || QueueUnavailableException.Covers(exception))
        {
            LogNotFetched(exception, claim.Id, claim.Length);
            if (_waiting.TryGetValue(claim.Id, out var waiter))
            {
                waiter.Lose(new ReplyLostException("the answer could not be fetched from Redis", restored: true));
            }
        }
        finally
        {
            claim.Forget(database);
        }
    }

    // One value after the other: small answers and requests of others go between them.
    private static async Task<InferenceReply?> ReadAsync(IDatabase database, ReplyClaim claim, PendingReply waiter)
    {
        var answer = GC.AllocateUninitializedArray<byte>(claim.Length);
        for (var i = 0; i < claim.Chunks; i++)
        {
            if (waiter.IsOver)
            {
                return null;
            }

            using var value = await database.StringGetLeaseAsync(claim.Key(i));
            var (start, length) = claim.Chunk(i);
            if (value?.Length != length)
            {
                throw new InvalidDataException(
                    $"Part {i} of {claim.Chunks} of an answer has {value?.Length ?? 0} bytes; {length} expected.");
            }

            value.Span.CopyTo(answer.AsSpan(start));
        }

        return ReplyBatch.Read(answer) is [var reply] && reply.Id == claim.Id
            ? reply
            : throw new InvalidDataException("A large answer is not the one that its claim names.");
    }

    private static InferenceReply TooLarge(ReplyClaim claim, int limit) => new(
        claim.Id, ReplyOutcome.TooLarge, $"the answer has {claim.Length} bytes; {limit} are allowed (Limits:ResponseBytes)",
        TimeSpan.Zero, TimeSpan.Zero, 0, "", []);

    [LoggerMessage(LogLevel.Warning, "The answers to {Count} calls may be lost: {Reason}")]
    private partial void LogLost(int count, string reason);

    [LoggerMessage(LogLevel.Warning, "The answer to {Request} ({Bytes} bytes) could not be fetched from Redis")]
    private partial void LogNotFetched(Exception exception, Guid request, int bytes);

    [LoggerMessage(LogLevel.Error, "A reply message could not be read; its callers will time out")]
    private partial void LogUnreadable(Exception exception);
}
