using StackExchange.Redis;

namespace Tests.Offline.Redis;

public sealed class StreamTests(RedisServer server) : IClassFixture<RedisServer>
{
    private readonly IDatabase _database = server.Connection.GetDatabase();
    private readonly RedisKey _key = $"stream-{Guid.NewGuid():N}";

    [Fact]
    public async Task Add_stores_fields_and_binary_values_exactly()
    {
        byte[] payload = [0, 255, 13, 10, 0];
        var id = await _database.StreamAddAsync(_key, [new("payload", payload), new("n", 7)]);

        var entry = Assert.Single(await _database.StreamRangeAsync(_key));

        Assert.Equal(id, entry.Id);
        Assert.Equal(payload, (byte[])entry["payload"]!);
        Assert.Equal(7, (int)entry["n"]);
        Assert.True(entry["absent"].IsNull);
        Assert.Equal([new NameValueEntry("payload", payload), new NameValueEntry("n", 7)], entry.Values);
        Assert.False(entry.IsNull);
    }

    [Fact]
    public async Task Add_takes_an_id_and_trims_to_the_length()
    {
        for (var i = 1; i <= 5; i++)
        {
            Assert.Equal($"{i}-0", await _database.StreamAddAsync(_key, "n", i, messageId: $"{i}-0", maxLength: 3));
        }

        Assert.Equal(3, await _database.StreamLengthAsync(_key));
        Assert.Equal(2, await _database.StreamTrimAsync(_key, 1));
        Assert.Equal("5-0", Assert.Single(await _database.StreamRangeAsync(_key)).Id);
    }

    [Fact]
    public async Task Range_is_bounded_counted_and_reversible()
    {
        await AddAsync(4);

        Assert.Equal(["2-0", "3-0"], Ids(await _database.StreamRangeAsync(_key, "2", "3")));
        Assert.Equal(["4-0", "3-0"], Ids(await _database.StreamRangeAsync(_key, count: 2, messageOrder: Order.Descending)));
        Assert.Empty(await _database.StreamRangeAsync("no-such-stream"));
    }

    [Fact]
    public async Task Create_group_makes_the_stream_and_says_busygroup_when_it_exists()
    {
        Assert.True(await _database.StreamCreateConsumerGroupAsync(_key, "g", StreamPosition.Beginning));

        var again = await Assert.ThrowsAsync<RedisServerException>(() => _database.StreamCreateConsumerGroupAsync(_key, "g"));
        Assert.StartsWith("BUSYGROUP", again.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RedisServerException>(
            () => _database.StreamCreateConsumerGroupAsync("no-such-stream", "g", createStream: false));
    }

    [Fact]
    public async Task Group_starts_at_the_end_unless_told_to_start_at_the_beginning()
    {
        await AddAsync(1);
        await _database.StreamCreateConsumerGroupAsync(_key, "late");
        await _database.StreamCreateConsumerGroupAsync(_key, "early", StreamPosition.Beginning);

        Assert.Empty(await _database.StreamReadGroupAsync(_key, "late", "c"));
        Assert.Single(await _database.StreamReadGroupAsync(_key, "early", "c"));
    }

    [Fact]
    public async Task Read_group_shares_entries_between_consumers_up_to_the_count()
    {
        await AddAsync(3);
        await _database.StreamCreateConsumerGroupAsync(_key, "g", StreamPosition.Beginning);

        Assert.Equal(["1-0", "2-0"], Ids(await _database.StreamReadGroupAsync(_key, "g", "a", StreamPosition.NewMessages, count: 2)));
        Assert.Equal(["3-0"], Ids(await _database.StreamReadGroupAsync(_key, "g", "b", StreamPosition.NewMessages, 2, noAck: false, CommandFlags.None)));
        Assert.Empty(await _database.StreamReadGroupAsync(_key, "g", "b", ">"));
        Assert.Equal(["1-0", "2-0"], Ids(await _database.StreamReadGroupAsync(_key, "g", "a", StreamPosition.Beginning)));
    }

    [Fact]
    public async Task Read_group_reads_several_streams_at_once()
    {
        RedisKey other = $"{_key}-b", empty = $"{_key}-c";
        await AddAsync(2);
        await _database.StreamAddAsync(other, "n", 9, "9-0");
        foreach (var key in new[] { _key, other, empty })
        {
            await _database.StreamCreateConsumerGroupAsync(key, "g", StreamPosition.Beginning);
        }

        StreamPosition[] positions = [new(_key, StreamPosition.NewMessages), new(other, ">"), new(empty, ">")];
        var streams = await _database.StreamReadGroupAsync(positions, "g", "a", countPerStream: 1);

        Assert.Equal([_key, other], streams.Select(stream => stream.Key));
        Assert.Equal(["1-0", "9-0"], streams.SelectMany(stream => Ids(stream.Entries)));
        Assert.Equal(["2-0"], Ids(Assert.Single(await _database.StreamReadGroupAsync(positions, "g", "a", 1, noAck: true, CommandFlags.None)).Entries));
        Assert.Equal(2, (await PendingAsync(_key)).Length + (await PendingAsync(other)).Length);
        Assert.Empty(await _database.StreamReadGroupAsync(positions, "g", "a"));
    }

    [Fact]
    public async Task Read_group_without_a_group_says_nogroup()
    {
        await AddAsync(1);

        var none = await Assert.ThrowsAsync<RedisServerException>(() => _database.StreamReadGroupAsync(_key, "g", "a"));

        Assert.StartsWith("NOGROUP", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Acknowledged_entries_are_no_longer_pending()
    {
        await ReadAsync(4, "a");

        Assert.Equal(1, await _database.StreamAcknowledgeAsync(_key, "g", "1-0"));
        Assert.Equal(2, await _database.StreamAcknowledgeAsync(_key, "g", ["2-0", "3-0", "99-0"]));

        var pending = Assert.Single(await PendingAsync(_key));
        Assert.Equal(("4-0", "a", 1), ((string)pending.MessageId!, (string)pending.ConsumerName!, pending.DeliveryCount));
        Assert.InRange(pending.IdleTimeInMilliseconds, 0, long.MaxValue);
    }

    [Fact]
    public async Task Pending_is_filtered_by_consumer_ids_and_idle_time()
    {
        await ReadAsync(3, "a");

        Assert.Empty(await _database.StreamPendingMessagesAsync(_key, "g", 10, "b"));
        Assert.Equal("2-0", Assert.Single(await _database.StreamPendingMessagesAsync(_key, "g", 10, "a", "2", "2")).MessageId);
        Assert.Empty(await _database.StreamPendingMessagesAsync(_key, "g", 10, RedisValue.Null, minIdleTimeInMs: 3_600_000));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => _database.StreamPendingMessagesAsync(_key, "g", 0, "a"));
    }

    [Fact]
    public async Task Auto_claim_moves_entries_counts_deliveries_and_reports_deleted_ones()
    {
        await ReadAsync(3, "lost");
        await _database.StreamDeleteAsync(_key, ["1-0"]);

        var first = await _database.StreamAutoClaimAsync(_key, "g", "heir", 0, "0-0", count: 2);
        var rest = await _database.StreamAutoClaimAsync(_key, "g", "heir", 0, first.NextStartId);

        Assert.Equal(["1-0"], first.DeletedIds.Select(id => (string)id!));
        Assert.Equal(["2-0", "3-0"], Ids([.. first.ClaimedEntries, .. rest.ClaimedEntries]));
        Assert.Equal("0-0", rest.NextStartId);
        Assert.All(await PendingAsync(_key), pending => Assert.Equal(("heir", 2), ((string)pending.ConsumerName!, pending.DeliveryCount)));
        Assert.Empty((await _database.StreamAutoClaimAsync(_key, "g", "other", 3_600_000, "0-0")).ClaimedEntries);
    }

    [Fact]
    public async Task Consumers_are_listed_and_deleted_with_what_they_held()
    {
        await ReadAsync(2, "a");
        await _database.StreamAddAsync(_key, "n", 3);
        await _database.StreamReadGroupAsync(_key, "g", "b");

        var consumers = await _database.StreamConsumerInfoAsync(_key, "g");

        Assert.Equal([("a", 2), ("b", 1)], consumers.Select(consumer => (consumer.Name, consumer.PendingMessageCount)).Order());
        Assert.All(consumers, consumer => Assert.InRange(consumer.IdleTimeInMilliseconds, 0, long.MaxValue));
        Assert.Equal(2, await _database.StreamDeleteConsumerAsync(_key, "g", "a"));
        Assert.Equal("b", Assert.Single(await _database.StreamConsumerInfoAsync(_key, "g")).Name);
    }

    [Fact]
    public async Task Batch_sends_the_commands_together()
    {
        await ReadAsync(2, "a");
        var batch = _database.CreateBatch();
        var acknowledged = batch.StreamAcknowledgeAsync(_key, "g", ["1-0", "2-0"]);
        var deleted = batch.StreamDeleteAsync(_key, ["1-0", "2-0"]);
        Assert.False(acknowledged.IsCompleted);
        batch.Execute();

        Assert.Equal((2, 2), (await acknowledged, await deleted));
        Assert.Equal(0, await _database.StreamLengthAsync(_key));
    }

    [Fact]
    public async Task Fire_and_forget_gives_empty_results()
    {
        Assert.True((await _database.StreamAddAsync(_key, "n", 1, flags: CommandFlags.FireAndForget)).IsNull);
        Assert.Equal(0, await _database.StreamDeleteAsync(_key, ["9-0"], CommandFlags.FireAndForget));
        Assert.Equal(1, await _database.StreamLengthAsync(_key));
    }

    [Fact]
    public async Task Transaction_runs_stream_commands_atomically()
    {
        var transaction = _database.CreateTransaction();
        var added = transaction.StreamAddAsync(_key, "n", 1, "1-0");
        var length = transaction.StreamLengthAsync(_key);

        Assert.True(await transaction.ExecuteAsync());
        Assert.Equal(("1-0", 1L), ((string)(await added)!, await length));
    }

    [Fact]
    public async Task Literal_channel_takes_a_star_literally_and_a_pattern_matches()
    {
        var subscriber = server.Connection.GetSubscriber();
        var literal = new TaskCompletionSource<string>();
        var pattern = new TaskCompletionSource<string>();
        string name = $"{_key}-*";
        await subscriber.SubscribeAsync(RedisChannel.Literal(name), (_, message) => literal.TrySetResult(message!));
        await subscriber.SubscribeAsync(RedisChannel.Pattern(name), (_, message) => pattern.TrySetResult(message!));

        Assert.Equal(1, await subscriber.PublishAsync(RedisChannel.Literal($"{_key}-x"), "to the pattern"));
        Assert.Equal("to the pattern", await pattern.Task.WaitAsync(TestContext.Current.CancellationToken));
        Assert.Equal(2, await subscriber.PublishAsync(RedisChannel.Literal(name), "to both"));
        Assert.Equal("to both", await literal.Task.WaitAsync(TestContext.Current.CancellationToken));
    }

    private static IEnumerable<string> Ids(StreamEntry[] entries) => entries.Select(entry => (string)entry.Id!);

    private Task<StreamPendingMessageInfo[]> PendingAsync(RedisKey key) =>
        _database.StreamPendingMessagesAsync(key, "g", 100, RedisValue.Null);

    private async Task AddAsync(int count)
    {
        for (var i = 1; i <= count; i++)
        {
            await _database.StreamAddAsync(_key, "n", i, $"{i}-0");
        }
    }

    private async Task ReadAsync(int count, string consumer)
    {
        await AddAsync(count);
        await _database.StreamCreateConsumerGroupAsync(_key, "g", StreamPosition.Beginning);
        Assert.Equal(count, (await _database.StreamReadGroupAsync(_key, "g", consumer)).Length);
    }
}
