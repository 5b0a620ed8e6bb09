namespace StackExchange.Redis;

/// <summary>
/// The stream commands as StackExchange.Redis 3.x declares them, sent by 1.2.6's <c>ExecuteAsync</c>. They are members of
/// <see cref="IDatabaseAsync"/>, so batches and transactions have them too.
/// </summary>
public static class StreamExtensions
{
    extension(IDatabaseAsync database)
    {
        public Task<RedisValue> StreamAddAsync(
            RedisKey key, RedisValue streamField, RedisValue streamValue, RedisValue? messageId = null, long? maxLength = null,
            bool useApproximateMaxLength = false, long? limit = null, StreamTrimMode trimMode = StreamTrimMode.KeepReferences,
            CommandFlags flags = CommandFlags.None) =>
            database.StreamAddAsync(
                key, [new(streamField, streamValue)], messageId, maxLength, useApproximateMaxLength, limit, trimMode, flags);

        public async Task<RedisValue> StreamAddAsync(
            RedisKey key, NameValueEntry[] streamPairs, RedisValue? messageId = null, long? maxLength = null,
            bool useApproximateMaxLength = false, long? limit = null, StreamTrimMode trimMode = StreamTrimMode.KeepReferences,
            CommandFlags flags = CommandFlags.None)
        {
            var arguments = new List<object> { key }
                .WithTrimMode(trimMode).WithMaxLength(maxLength, useApproximateMaxLength, limit).With(messageId ?? "*");
            foreach (var pair in streamPairs)
            {
                arguments.With(pair.Name, pair.Value);
            }

            return StreamReplies.Value(await database.ExecuteAsync("XADD", arguments, flags));
        }

        public Task<long> StreamAcknowledgeAsync(
            RedisKey key, RedisValue groupName, RedisValue messageId, CommandFlags flags = CommandFlags.None) =>
            database.StreamAcknowledgeAsync(key, groupName, [messageId], flags);

        public async Task<long> StreamAcknowledgeAsync(
            RedisKey key, RedisValue groupName, RedisValue[] messageIds, CommandFlags flags = CommandFlags.None) =>
            StreamReplies.Count(await database.ExecuteAsync("XACK", new List<object> { key }.With(groupName).With(messageIds), flags));

        public async Task<StreamAutoClaimResult> StreamAutoClaimAsync(
            RedisKey key, RedisValue consumerGroup, RedisValue claimingConsumer, long minIdleTimeInMs, RedisValue startAtId,
            int? count = null, CommandFlags flags = CommandFlags.None)
        {
            var arguments = new List<object> { key }
                .With(consumerGroup, claimingConsumer, minIdleTimeInMs, startAtId).WithOption("COUNT", count);
            return StreamReplies.AutoClaim(await database.ExecuteAsync("XAUTOCLAIM", arguments, flags));
        }

        public async Task<StreamConsumerInfo[]> StreamConsumerInfoAsync(
            RedisKey key, RedisValue groupName, CommandFlags flags = CommandFlags.None)
        {
            var arguments = new List<object> { (RedisValue)"CONSUMERS", key }.With(groupName);
            return StreamReplies.Consumers(await database.ExecuteAsync("XINFO", arguments, flags));
        }

        public async Task<bool> StreamCreateConsumerGroupAsync(
            RedisKey key, RedisValue groupName, RedisValue? position = null, bool createStream = true,
            CommandFlags flags = CommandFlags.None)
        {
            var arguments = new List<object> { (RedisValue)"CREATE", key }.With(groupName, StreamPosition.ForGroup(position));
            if (createStream)
            {
                arguments.With("MKSTREAM");
            }

            return StreamReplies.Value(await database.ExecuteAsync("XGROUP", arguments, flags)) == "OK";
        }

        public async Task<long> StreamDeleteAsync(RedisKey key, RedisValue[] messageIds, CommandFlags flags = CommandFlags.None) =>
            StreamReplies.Count(await database.ExecuteAsync("XDEL", new List<object> { key }.With(messageIds), flags));

        public async Task<long> StreamDeleteConsumerAsync(
            RedisKey key, RedisValue groupName, RedisValue consumerName, CommandFlags flags = CommandFlags.None)
        {
            var arguments = new List<object> { (RedisValue)"DELCONSUMER", key }.With(groupName, consumerName);
            return StreamReplies.Count(await database.ExecuteAsync("XGROUP", arguments, flags));
        }

        public async Task<long> StreamLengthAsync(RedisKey key, CommandFlags flags = CommandFlags.None) =>
            StreamReplies.Count(await database.ExecuteAsync("XLEN", new List<object> { key }, flags));

        public async Task<StreamPendingMessageInfo[]> StreamPendingMessagesAsync(
            RedisKey key, RedisValue groupName, int count, RedisValue consumerName, RedisValue? minId = null, RedisValue? maxId = null,
            long? minIdleTimeInMs = null, CommandFlags flags = CommandFlags.None)
        {
            StreamArguments.RequirePositive(count, nameof(count));
            var arguments = new List<object> { key }
                .With(groupName).WithOption("IDLE", minIdleTimeInMs).With(minId ?? "-", maxId ?? "+", count);
            if (!consumerName.IsNull)
            {
                arguments.With(consumerName);
            }

            return StreamReplies.Pending(await database.ExecuteAsync("XPENDING", arguments, flags));
        }

        public async Task<StreamEntry[]> StreamRangeAsync(
            RedisKey key, RedisValue? minId = null, RedisValue? maxId = null, int? count = null, Order messageOrder = Order.Ascending,
            CommandFlags flags = CommandFlags.None)
        {
            StreamArguments.RequirePositive(count, nameof(count));
            var (first, last) = (minId ?? "-", maxId ?? "+");
            var (command, from, to) = messageOrder == Order.Ascending ? ("XRANGE", first, last) : ("XREVRANGE", last, first);
            return StreamReplies.Entries(
                await database.ExecuteAsync(command, new List<object> { key }.With(from, to).WithOption("COUNT", count), flags));
        }

        public Task<StreamEntry[]> StreamReadGroupAsync(
            RedisKey key, RedisValue groupName, RedisValue consumerName, RedisValue? position, int? count, bool noAck,
            CommandFlags flags) =>
            database.StreamReadGroupAsync(key, groupName, consumerName, position, count, noAck, claimMinIdleTime: null, flags);

        public async Task<StreamEntry[]> StreamReadGroupAsync(
            RedisKey key, RedisValue groupName, RedisValue consumerName, RedisValue? position = null, int? count = null,
            bool noAck = false, TimeSpan? claimMinIdleTime = null, CommandFlags flags = CommandFlags.None)
        {
            var arguments = StreamArguments.ReadGroup(groupName, consumerName, count, noAck, claimMinIdleTime).With("STREAMS");
            arguments.Add(key);
            arguments.With(StreamPosition.ForReadGroup(position));
            var streams = StreamReplies.Streams(await database.ExecuteAsync("XREADGROUP", arguments, flags));
            return streams.Length == 0 ? [] : streams[0].Entries;
        }

        public Task<RedisStream[]> StreamReadGroupAsync(
            StreamPosition[] streamPositions, RedisValue groupName, RedisValue consumerName, int? countPerStream, bool noAck,
            CommandFlags flags) =>
            database.StreamReadGroupAsync(
                streamPositions, groupName, consumerName, countPerStream, noAck, claimMinIdleTime: null, maxCount: null, maxSize: null, flags);

        public async Task<RedisStream[]> StreamReadGroupAsync(
            StreamPosition[] streamPositions, RedisValue groupName, RedisValue consumerName, int? countPerStream = null,
            bool noAck = false, TimeSpan? claimMinIdleTime = null, int? maxCount = null, int? maxSize = null,
            CommandFlags flags = CommandFlags.None)
        {
            ArgumentOutOfRangeException.ThrowIfZero(streamPositions.Length, nameof(streamPositions));
            var arguments = StreamArguments.ReadGroup(groupName, consumerName, countPerStream, noAck, claimMinIdleTime)
                .WithOption("MAXCOUNT", maxCount).WithOption("MAXSIZE", maxSize).With("STREAMS");
            arguments.AddRange(streamPositions.Select(position => (object)position.Key));
            arguments.AddRange(streamPositions.Select(position => (object)StreamPosition.ForReadGroup(position.Position)));
            return StreamReplies.Streams(await database.ExecuteAsync("XREADGROUP", arguments, flags));
        }

        public async Task<long> StreamTrimAsync(
            RedisKey key, long maxLength, bool useApproximateMaxLength = false, long? limit = null,
            StreamTrimMode mode = StreamTrimMode.KeepReferences, CommandFlags flags = CommandFlags.None)
        {
            var arguments = new List<object> { key }
                .WithMaxLength(maxLength, useApproximateMaxLength, limit).WithTrimMode(mode);
            return StreamReplies.Count(await database.ExecuteAsync("XTRIM", arguments, flags));
        }
    }
}
