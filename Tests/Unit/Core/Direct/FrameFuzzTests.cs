using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Tests.Unit;

/// <summary>What an attacker or a broken peer may send: valid streams with bytes changed, cut, doubled and moved.</summary>
public sealed class FrameFuzzTests
{
    private const int Mutations = 100_000;
    private const int Limit = 4096;

    [Fact]
    public void Damaged_frames_are_refused_as_such_and_take_no_more_memory_than_their_limit()
    {
        var random = new Random(20261129);
        byte[][] seeds = [.. Seeds()];
        var (read, refused) = (0, 0);
        List<Frame> frames = [];
        for (var i = 0; i < Mutations; i++)
        {
            var bytes = Mutate(random, seeds);
            frames.Clear();
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                new FrameDecoder(Limit).Feed(bytes, frames);
                frames.ForEach(Decode);
                read++;
            }
            catch (InvalidDataException)
            {
                refused++;
            }

            // Of objects and messages of errors; never what a number in the frame asks for.
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * Limit);
        }

        Assert.True(read > Mutations / 100 && refused > Mutations / 100, $"{read} read, {refused} refused");
    }

    [Fact]
    public void Every_frame_is_read_as_it_was_written()
    {
        QueueName[] queues = [new("a/b", "1"), new("m", "20")];
        DirectStanding[] standings = [new(queues[0], 3, 1000, 77), new(queues[1], 0, 0, 0)];
        var refusal = new DirectRefusal(Guid.NewGuid(), new Admission(EnqueueOutcome.FullOfBytes, 5, 1 << 20, 9));
        DirectReturn[] returns = [new(Guid.NewGuid(), null), new(Guid.NewGuid(), "the device is gone")];

        Assert.Equal(queues, DirectMessages.DecodeServes(DirectMessages.EncodeServes(queues)));
        Assert.Equal(standings, DirectMessages.DecodePong(DirectMessages.EncodePong(standings)));
        Assert.Equal(refusal, DirectMessages.DecodeRefusal(DirectMessages.Encode(refusal)));
        Assert.Equal(returns, returns.Select(r => DirectMessages.DecodeReturn(DirectMessages.Encode(r))));
        var part = new DirectPart(Guid.NewGuid(), 70_000, "d\u00E9j\u00E0"u8.ToArray());
        var read = DirectMessages.DecodePart(DirectMessages.Encode(part));
        Assert.Equal((part.Id, part.Start), (read.Id, read.Start));
        Assert.Equal(part.Text.ToArray(), read.Text.ToArray());
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 0)]
    [InlineData(0, DirectPart.MaxBytes + 1)]
    public void Part_of_an_answer_has_a_place_and_a_size(int start, int bytes)
    {
        var part = DirectMessages.Encode(new DirectPart(Guid.NewGuid(), start, new byte[bytes]));

        var refused = Assert.Throws<InvalidDataException>(() => DirectMessages.DecodePart(part));

        Assert.Equal($"A part of an answer begins at {start} and has {bytes} bytes.", refused.Message);
    }

    [Fact]
    public void Deliveries_before_travel_with_a_request_and_old_messages_have_none()
    {
        var request = Request();
        Assert.Equal(0, RequestCodec.Decode(RequestCodec.Encode(request)).EarlierDeliveries);

        var again = RequestCodec.Decode(RequestCodec.Encode(request with { EarlierDeliveries = 2 }));
        Assert.Equal(2, again.EarlierDeliveries);
        Assert.True(new QueuedRequest("1-1", again).RunsAlone);
        Assert.False(new QueuedRequest("1-1", request).RunsAlone);
    }

    private static IEnumerable<byte[]> Seeds()
    {
        var hello = DirectHandshake.Hello.Of("worker-1");
        var handshake = new DirectHandshake("a secret of thirty-two characters");
        var proof = handshake.Prove(hello, "replica-1", Limit);
        yield return FrameDecoderTests.Bytes(FrameType.Hello, hello.Encode());
        yield return FrameDecoderTests.Bytes(FrameType.Proof, proof.Encode());
        yield return FrameDecoderTests.Bytes(FrameType.Serves, DirectMessages.EncodeServes([new("m", "1"), new("n", "2")]));
        yield return FrameDecoderTests.Bytes(FrameType.Request, RequestCodec.Encode(Request() with { EarlierDeliveries = 1 }));
        var replies = new Replies();
        replies.Refuse(Request(), ReplyOutcome.Failed, "no good", DateTimeOffset.UnixEpoch, "w");
        var answer = replies.For(Request(), 200);
        answer.Add(Guid.NewGuid(), ReplyOutcome.Completed, null, default, default, 1, "w", outputs: 1);
        answer.AddOutput("y", Datatype.Fp32, [1, 2], new byte[8]);
        yield return FrameDecoderTests.Bytes(FrameType.Replies, replies.Messages[0].Message.ToMessage());
        yield return FrameDecoderTests.Bytes(
            FrameType.Refused, DirectMessages.Encode(new DirectRefusal(Guid.NewGuid(), new Admission(EnqueueOutcome.Full, 1, 2, 3))));
        yield return FrameDecoderTests.Bytes(FrameType.Returned, DirectMessages.Encode(new DirectReturn(Guid.NewGuid(), "why")));
        yield return FrameDecoderTests.Bytes(FrameType.Cancel, Guid.NewGuid().ToByteArray());
        yield return FrameDecoderTests.Bytes(FrameType.Pong, DirectMessages.EncodePong([new(new("m", "1"), 1, 2, 3)]));
        yield return FrameDecoderTests.Bytes(FrameType.Part, DirectMessages.Encode(new DirectPart(Guid.NewGuid(), 7, "text"u8.ToArray())));
    }

    private static InferenceRequest Request() => new(
        Guid.NewGuid(), "m", "1", "default", RequestKind.Call, Priority.High, "replica", DateTimeOffset.UnixEpoch,
        DateTimeOffset.UnixEpoch.AddMinutes(1),
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", null, ["y"],
        [new Tensor("x", Datatype.Uint8, [3], new byte[] { 1, 2, 3 })]);

    private static void Decode(Frame frame)
    {
        switch (frame.Type)
        {
            case FrameType.Hello:
                DirectHandshake.Hello.Decode(frame.Payload);
                break;
            case FrameType.Proof:
                DirectHandshake.Proof.Decode(frame.Payload);
                break;
            case FrameType.Serves:
                DirectMessages.DecodeServes(frame.Payload);
                break;
            case FrameType.Request:
                RequestCodec.Decode(frame.Payload);
                break;
            case FrameType.Replies:
                ReplyBatch.Read(frame.Payload);
                break;
            case FrameType.Refused:
                DirectMessages.DecodeRefusal(frame.Payload);
                break;
            case FrameType.Returned:
                DirectMessages.DecodeReturn(frame.Payload);
                break;
            case FrameType.Cancel:
                DirectMessages.DecodeCancel(frame.Payload);
                break;
            case FrameType.Pong:
                DirectMessages.DecodePong(frame.Payload);
                break;
            case FrameType.Part:
                DirectMessages.DecodePart(frame.Payload);
                break;
        }
    }

    private static byte[] Mutate(Random random, byte[][] seeds)
    {
        List<byte> bytes = [.. seeds[random.Next(seeds.Length)]];
        if (random.Next(4) == 0)
        {
            bytes.AddRange(seeds[random.Next(seeds.Length)]);
        }

        for (var changes = random.Next(1, 5); changes > 0 && bytes.Count > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            var length = Math.Min(random.Next(1, 16), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, length);
                    break;
                case 3:
                    bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, length));
                    break;
                case 4:
                    // A number where one may stand: sizes and counts are four bytes.
                    var number = BitConverter.GetBytes(random.Next(3) switch { 0 => int.MaxValue, 1 => -1, _ => random.Next(1 << 16) });
                    for (var i = 0; i < number.Length && at + i < bytes.Count; i++)
                    {
                        bytes[at + i] = number[i];
                    }

                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }

        return [.. bytes];
    }
}
