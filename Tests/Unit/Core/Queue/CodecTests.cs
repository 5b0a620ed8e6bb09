using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Tests.Unit;

public sealed class CodecTests
{
    private static readonly InferenceRequest Request = new(
        Guid.NewGuid(), "digits", "1", "acme", RequestKind.Job, Priority.Low, "api-1",
        new DateTimeOffset(2026, 1, 2, 3, 4, 5, 6, TimeSpan.Zero), new DateTimeOffset(2026, 1, 2, 3, 5, 5, TimeSpan.Zero),
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", null, ["label"],
        [new Tensor("image", Datatype.Fp32, [1, 2], new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 }),
            new Tensor("größe", Datatype.Bytes, [0], default)]);

    [Fact]
    public void Request_comes_out_as_it_went_in()
    {
        var read = RequestCodec.Decode(RequestCodec.Encode(Request));

        Assert.Equal(Request with { Inputs = read.Inputs, RequestedOutputs = read.RequestedOutputs }, read);
        Assert.Equal(Request.RequestedOutputs, read.RequestedOutputs);
        foreach (var (expected, actual) in Request.Inputs.Zip(read.Inputs))
        {
            Assert.Equal((expected.Name, expected.Datatype), (actual.Name, actual.Datatype));
            Assert.Equal(expected.Shape, actual.Shape);
            Assert.Equal(expected.Data.ToArray(), actual.Data.ToArray());
        }
    }

    // Names share places in memory, of which there are fewer than these.
    [Fact]
    public void Names_are_those_of_the_message_whichever_came_before()
    {
        for (var i = 0; i < 6_000; i++)
        {
            var (model, tenant) = ($"model-{i % 3_000}", i % 2 == 0 ? $"größe-{i}" : new string('t', i % 100));
            var read = RequestCodec.Decode(RequestCodec.Encode(Request with { Model = model, TenantId = tenant }));

            Assert.Equal((model, "1", tenant), (read.Model, read.Version, read.TenantId));
        }
    }

    [Fact]
    public void Request_cut_short_anywhere_is_refused()
    {
        var message = RequestCodec.Encode(Request);

        for (var length = 0; length < message.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => RequestCodec.Decode(message.AsMemory(0, length)));
        }
    }

    [Fact]
    public void Request_of_another_format_version_is_refused()
    {
        var message = RequestCodec.Encode(Request);
        message[0]++;

        var exception = Assert.Throws<InvalidDataException>(() => RequestCodec.Decode(message));

        Assert.Contains("format version 2", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Replies_of_one_message_come_out_in_order()
    {
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());
        var batch = new ReplyBatch();
        batch.Add(first, ReplyOutcome.Completed, null, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2), 3, "w", outputs: 1);
        batch.AddOutput("label", Datatype.Uint8, [2], [7, 9]);
        batch.Add(second, ReplyOutcome.Failed, "no", TimeSpan.Zero, TimeSpan.Zero, 0, "w");

        var replies = ReplyBatch.Read(batch.ToMessage());

        Assert.Equal([first, second], replies.Select(r => r.Id));
        Assert.Equal((TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2), 3),
            (replies[0].QueueTime, replies[0].ComputeTime, replies[0].BatchSize));
        var output = Assert.Single(replies[0].Outputs);
        Assert.Equal(new byte[] { 7, 9 }, output.Data.ToArray());
        Assert.Equal((ReplyOutcome.Failed, "no"), (replies[1].Outcome, replies[1].Error));
    }

    [Theory]
    [InlineData(ReplyOutcome.Refused, ReplyOutcome.Failed)]
    [InlineData(ReplyOutcome.NotLoaded, ReplyOutcome.Unavailable)]
    public void Later_outcome_comes_out_as_it_went_in_and_is_an_older_one_to_a_replica_that_does_not_know_it(
        ReplyOutcome outcome, ReplyOutcome older)
    {
        var batch = new ReplyBatch();
        batch.Add(Guid.NewGuid(), outcome, "no", TimeSpan.Zero, TimeSpan.Zero, 0, "w");
        var message = batch.ToMessage();

        var reply = Assert.Single(ReplyBatch.Read(message));

        Assert.Equal((outcome, "no", 0), (reply.Outcome, reply.Error, reply.FirstRow));
        Assert.Equal((byte)older, message[ReplyBatch.HeaderSize + 16]);
    }

    [Fact]
    public void Damaged_request_is_read_or_refused_and_takes_no_more_memory_than_its_size() =>
        Damage(RequestCodec.Encode(Request), message => RequestCodec.Decode(message));

    [Fact]
    public void Damaged_reply_is_read_or_refused_and_takes_no_more_memory_than_its_size()
    {
        var batch = new ReplyBatch();
        batch.Add(Guid.NewGuid(), ReplyOutcome.Completed, "no", TimeSpan.Zero, TimeSpan.Zero, 3, "w", outputs: 1);
        batch.AddOutput("label", Datatype.Uint8, [2], [7, 9]);
        Damage(batch.ToMessage(), message => ReplyBatch.Read(message));
    }

    [Fact]
    public void Claim_of_a_large_answer_comes_out_as_it_went_in()
    {
        var claim = new ReplyClaim(Guid.NewGuid(), 2_500_000, 1_000_000);

        Assert.Equal(claim, ReplyClaim.Decode(claim.Encode()));
        Assert.Equal([(0, 1_000_000), (1_000_000, 1_000_000), (2_000_000, 500_000)], Enumerable.Range(0, claim.Chunks).Select(claim.Chunk));
    }

    [Fact]
    public void Damaged_claim_is_read_or_refused_and_names_no_more_than_it_could()
    {
        var whole = new ReplyClaim(Guid.NewGuid(), 2_500_000, 1_000_000).Encode();
        Damage(whole, message =>
        {
            var claim = ReplyClaim.Decode(message);
            Assert.True(claim.Length > 0);
            Assert.Equal(claim.Length, Enumerable.Range(0, Math.Min(claim.Chunks, 3)).Sum(i => (long)claim.Chunk(i).Length)
                + (claim.Chunks > 3 ? claim.Length - claim.Chunk(3).Start : 0));
        });
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => ReplyClaim.Decode(whole.AsSpan(0, length)));
        }
    }

    // Each byte, and each four as a count that is far too large or negative.
    private static void Damage(byte[] whole, Action<byte[]> read)
    {
        var values = (int[])[int.MaxValue, 50_000_000, -1, int.MinValue];
        for (var at = 1; at < whole.Length; at++)
        {
            foreach (var value in (byte[])[0, 1, 0x7F, 0x80, 0xFF])
            {
                var message = whole.ToArray();
                message[at] = value;
                ReadOrRefuse(message, read, $"byte {at} is {value}");
            }

            foreach (var value in at <= whole.Length - 4 ? values : [])
            {
                var message = whole.ToArray();
                BitConverter.TryWriteBytes(message.AsSpan(at), value);
                ReadOrRefuse(message, read, $"number at {at} is {value}");
            }
        }
    }

    private static void ReadOrRefuse(byte[] message, Action<byte[]> read, string damage)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var exception = Record.Exception(() => read(message));
        Assert.True(exception is null or InvalidDataException, $"{damage}: {exception}");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20, $"{damage} took memory");
    }

    [Fact]
    public void Reply_cut_short_is_refused()
    {
        var batch = new ReplyBatch();
        batch.Add(Guid.NewGuid(), ReplyOutcome.Completed, null, TimeSpan.Zero, TimeSpan.Zero, 1, "w", outputs: 1);

        Assert.Throws<InvalidDataException>(() => ReplyBatch.Read(batch.ToMessage()));
    }
}
