using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Inference.Queue;

/// <summary>A worker's place in the consumer group of one model version.</summary>
public sealed partial class QueueConsumer(
    IConnectionMultiplexer redis,
    QueueWakeup wakeup,
    IOptions<QueueOptions> options,
    ILogger<QueueConsumer> logger,
    string worker,
    string model,
    string version)
{
    private readonly string _stream = QueueKeys.Stream(model, version);

    /// <summary>Takes up to <paramref name="count"/> requests that no worker has had yet; none when the stream is empty.</summary>
    public async Task<IReadOnlyList<QueuedRequest>> ReadAsync(int count)
    {
        try
        {
            var entries = await redis.GetDatabase().StreamReadGroupAsync(
                _stream, QueueKeys.WorkerGroup, worker, StreamPosition.NewMessages, count, noAck: false);
            return await DecodeAsync(entries);
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("NOGROUP", StringComparison.Ordinal))
        {
            // First use, or Redis lost its data: the group starts at the stream's beginning, so nothing is skipped.
            await CreateGroupAsync();
            return [];
        }
    }

    /// <summary>Waits until new work is likely, or for the poll interval.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) =>
        wakeup.WaitAsync(_stream, options.Value.PollInterval, cancellationToken);

    /// <summary>Answers the callers and removes the entries, in one pipeline.</summary>
    public Task CompleteAsync(IReadOnlyList<QueuedRequest> requests, IReadOnlyDictionary<string, ReplyBatch> replies)
    {
        var database = redis.GetDatabase();
        var pipeline = new List<Task>(replies.Count + 2);
        foreach (var (replica, batch) in replies)
        {
            pipeline.Add(database.PublishAsync(RedisChannel.Literal(QueueKeys.Replies(replica)), batch.ToMessage()));
        }

        pipeline.AddRange(Remove(database, [.. requests.Select(r => (RedisValue)r.EntryId)]));
        return Task.WhenAll(pipeline);
    }

    /// <summary>
    /// Removes what a lost worker took and never finished. By then every deadline has passed
    /// (<see cref="QueueOptions.MaxTimeout"/>) and the callers have had their 504, so running it again would help nobody.
    /// </summary>
    /// <returns>How many were removed.</returns>
    public async Task<int> DropAbandonedAsync()
    {
        var database = redis.GetDatabase();
        var minIdle = (long)(options.Value.MaxTimeout + TimeSpan.FromSeconds(5)).TotalMilliseconds;
        var claimed = await database.StreamAutoClaimAsync(_stream, QueueKeys.WorkerGroup, worker, minIdle, "0-0", 100);
        var ids = claimed.ClaimedEntries.Select(e => e.Id).ToArray();
        if (ids.Length > 0)
        {
            await Task.WhenAll(Remove(database, ids));
            LogAbandoned(ids.Length, model, version);
        }

        return ids.Length;
    }

    private Task[] Remove(IDatabase database, RedisValue[] ids) =>
        [database.StreamAcknowledgeAsync(_stream, QueueKeys.WorkerGroup, ids), database.StreamDeleteAsync(_stream, ids)];

    private async Task CreateGroupAsync()
    {
        try
        {
            await redis.GetDatabase().StreamCreateConsumerGroupAsync(
                _stream, QueueKeys.WorkerGroup, StreamPosition.Beginning, createStream: true);
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("BUSYGROUP", StringComparison.Ordinal))
        {
            // Another worker was first.
        }
    }

    private async Task<IReadOnlyList<QueuedRequest>> DecodeAsync(StreamEntry[] entries)
    {
        var requests = new List<QueuedRequest>(entries.Length);
        foreach (var entry in entries)
        {
            try
            {
                requests.Add(new QueuedRequest(entry.Id!, RequestCodec.Decode((byte[])entry.Values[0].Value!)));
            }
            catch (InvalidDataException exception)
            {
                // Nobody can be answered: whose it was is in the part that can't be read.
                LogUnreadable(exception, entry.Id!, model, version);
                await Task.WhenAll(Remove(redis.GetDatabase(), [entry.Id]));
            }
        }

        return requests;
    }

    [LoggerMessage(LogLevel.Error, "Entry {Entry} of the queue of {Model}/{Version} could not be read and was removed")]
    private partial void LogUnreadable(Exception exception, string entry, string model, string version);

    [LoggerMessage(LogLevel.Warning, "{Count} requests of {Model}/{Version} that a lost worker had taken were removed, long past their deadlines")]
    private partial void LogAbandoned(int count, string model, string version);
}

/// <summary>A request and the stream entry that holds it.</summary>
public sealed record QueuedRequest(string EntryId, InferenceRequest Request);
