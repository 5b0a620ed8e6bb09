using InferenceTemplate.Core.Direct;

namespace InferenceTemplate.Tests.Unit;

public sealed class FrameDecoderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(4096)]
    public void Frames_are_the_same_however_the_bytes_arrive(int piece)
    {
        byte[] stream = [.. Bytes(FrameType.Ping, []), .. Bytes(FrameType.Request, [1, 2, 3, 4, 5, 6]), .. Bytes(FrameType.Pong, [9])];
        var decoder = new FrameDecoder(limit: 6);
        List<Frame> frames = [];

        foreach (var part in stream.Chunk(piece))
        {
            decoder.Feed(part, frames);
        }

        Assert.Equal([FrameType.Ping, FrameType.Request, FrameType.Pong], frames.Select(f => f.Type));
        Assert.Equal([[], [1, 2, 3, 4, 5, 6], [9]], frames.Select(f => f.Payload));
    }

    [Theory]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    public void Length_over_the_limit_is_refused_before_memory_is_taken(int length)
    {
        var header = Bytes(FrameType.Request, []);
        BitConverter.TryWriteBytes(header, length);
        var decoder = new FrameDecoder(limit: 6);
        var before = GC.GetAllocatedBytesForCurrentThread();

        var refused = Assert.Throws<InvalidDataException>(() => decoder.Feed(header, []));

        Assert.Contains("6 are allowed", refused.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(14)]
    [InlineData(255)]
    public void Unknown_type_is_refused(byte type) =>
        Assert.Throws<InvalidDataException>(() => new FrameDecoder(limit: 6).Feed(Bytes((FrameType)type, [1]), []));

    internal static byte[] Bytes(FrameType type, byte[] payload) => [.. BitConverter.GetBytes(payload.Length), (byte)type, .. payload];
}
