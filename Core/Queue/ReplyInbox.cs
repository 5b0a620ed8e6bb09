using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// Where one Api replica's callers wait. Answers come by pub/sub, many to a message; one that nobody waits for any
/// more (its caller timed out or left) is dropped.
/// </summary>
public sealed partial class ReplyInbox(IConnectionMultiplexer redis, ILogger<ReplyInbox> logger) : IHostedService
{
    private readonly ConcurrentDictionary<Guid, TaskCompletionSource<InferenceReply>> _waiting = new();

    /// <summary>This replica's name, to which workers address answers; new at every start.</summary>
    public string Replica { get; } = $"{Environment.MachineName}-{Guid.NewGuid().ToString("N")[..8]}";

    public int Waiting => _waiting.Count;

    /// <summary>Registers a waiter; do this before enqueueing, and dispose it however the wait ends.</summary>
    public PendingReply Expect(Guid id)
    {
        // Continuations must not run on the connection's reader.
        var source = new TaskCompletionSource<InferenceReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = source;
        return new PendingReply(source.Task, () => _waiting.TryRemove(id, out _));
    }

    public Task StartAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(QueueKeys.Replies(Replica)), (_, message) => Deliver(message));

    public Task StopAsync(CancellationToken cancellationToken) =>
        redis.GetSubscriber().UnsubscribeAsync(RedisChannel.Literal(QueueKeys.Replies(Replica)));

    private void Deliver(RedisValue message)
    {
        try
        {
            foreach (var reply in ReplyBatch.Read((byte[])message!))
            {
                if (_waiting.TryRemove(reply.Id, out var source))
                {
                    source.TrySetResult(reply);
                }
            }
        }
        catch (InvalidDataException exception)
        {
            LogUnreadable(exception);
        }
    }

    [LoggerMessage(LogLevel.Error, "A reply message could not be read; its callers will time out")]
    private partial void LogUnreadable(Exception exception);
}

/// <summary>One caller's wait for its answer.</summary>
public sealed class PendingReply(Task<InferenceReply> reply, Action forget) : IDisposable
{
    public Task<InferenceReply> Reply { get; } = reply;

    public void Dispose() => forget();
}
