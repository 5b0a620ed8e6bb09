using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>The worker's end of the way back; <see cref="ReplyInbox"/> is the other.</summary>
internal sealed partial class ReplyOutbox(IConnectionMultiplexer redis, TimeProvider time, ILogger logger, string worker)
{
    // Of what nobody fetched, beyond the deadline of its call: clocks differ, and fetching takes a while.
    private static readonly TimeSpan KeptLonger = TimeSpan.FromSeconds(15);

    private IDatabase Database => redis.GetDatabase();

    public Task SendAsync(IEnumerable<(string Replica, ReplyBatch Message)> messages) =>
        Task.WhenAll(messages.Select(m => PublishAsync(m.Replica, m.Message.Written)));

    /// <summary>Hands a large answer over; where Redis refuses it, its caller is told so at once.</summary>
    public async Task SendLargeAsync(QueuedRequest queued, ReplyBatch answer)
    {
        var (request, bytes) = (queued.Request, answer.Written);
        var claim = new ReplyClaim(request.Id, bytes.Length, ReplyClaim.DefaultChunkBytes);
        var left = request.Deadline - time.GetUtcNow();
        var kept = (left > TimeSpan.Zero ? left : TimeSpan.Zero) + KeptLonger;
        try
        {
            // One after the other: what others send and read on this connection goes between them.
            for (var i = 0; i < claim.Chunks && !queued.IsCancelled; i++)
            {
                var (start, length) = claim.Chunk(i);
                await Database.StringSetAsync(claim.Key(i), bytes.Slice(start, length), kept);
            }
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            LogRefused(request.Id, bytes.Length, exception.Message);
            claim.Forget(Database);
            var replies = new Replies();
            replies.Refuse(
                request, ReplyOutcome.Unavailable, $"the answer of {bytes.Length} bytes could not be handed over: {Reason(exception)}",
                time.GetUtcNow(), worker);
            await SendAsync(replies.Messages);
            return;
        }

        if (queued.IsCancelled)
        {
            claim.Forget(Database);
            return;
        }

        await PublishAsync(request.ReplyTo, claim.Encode());
    }

    private static string Reason(Exception exception) =>
        exception is RedisServerException && exception.Message.StartsWith("OOM", StringComparison.Ordinal)
            ? "Redis has no memory for it"
            : "Redis did not take it";

    private Task<long> PublishAsync(string replica, ReadOnlyMemory<byte> message) =>
        Database.PublishAsync(RedisChannel.Literal(QueueKeys.Replies(replica)), message);

    [LoggerMessage(LogLevel.Warning, "The answer to {Request} ({Bytes} bytes) could not be written to Redis: {Reason}")]
    private partial void LogRefused(Guid request, int bytes, string reason);
}
