using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Unit;

public sealed class DirectLinkTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Frames_that_many_threads_send_arrive_whole_and_in_the_order_of_each()
    {
        const int Threads = 8;
        const int Each = 500;
        var (one, other) = await ConnectAsync();
        using var sender = new DirectLink(one);
        using var receiver = new DirectLink(other) { MaxFrame = 1 << 20 };
        var got = new List<byte[]>();
        var reading = receiver.ReadAsync(frames => got.AddRange(frames.Select(f => f.Payload)), Cancellation);

        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++)
            {
                // Its own thread and number in each place, at sizes around those of the buffers.
                var payload = new byte[8 * (1 + ((i * 397) % 3000))];
                for (var at = 0; at < payload.Length; at += 8)
                {
                    BitConverter.TryWriteBytes(payload.AsSpan(at), thread);
                    BitConverter.TryWriteBytes(payload.AsSpan(at + 4), i);
                }

                Assert.True(sender.Send(FrameType.Replies, payload, atOnce: i % 3 == 0));
            }
        }, Cancellation)));
        await sender.FlushedAsync(Wait.DefaultLimit, TimeProvider.System);
        sender.Dispose();
        await reading.WaitAsync(Wait.DefaultLimit, Cancellation);

        Assert.Equal(Threads * Each, got.Count);
        Assert.All(got, payload => Assert.All(payload.Chunk(8), part => Assert.Equal(payload[..8], part)));
        for (var thread = 0; thread < Threads; thread++)
        {
            Assert.Equal(
                Enumerable.Range(0, Each), got.Where(p => BitConverter.ToInt32(p) == thread).Select(p => BitConverter.ToInt32(p, 4)));
        }
    }

    [Fact]
    public async Task Requests_arrive_whole_with_tensors_of_any_size_between_other_frames()
    {
        const int Threads = 4;
        int[] sizes = [0, 5, (32 << 10) - 1, 32 << 10, (128 << 10) + 1, 3 << 20];
        var (one, other) = await ConnectAsync();
        using var sender = new DirectLink(one);
        using var receiver = new DirectLink(other) { MaxFrame = 1 << 26 };
        List<InferenceRequest> got = [];
        var small = 0;
        var reading = receiver.ReadAsync(
            frames =>
            {
                got.AddRange(frames.Where(f => f.Type == FrameType.Request).Select(f => RequestCodec.Decode(f.Payload)));
                small += frames.Count(f => f.Type == FrameType.Cancel && f.Payload is [7, 7, 7]);
            },
            Cancellation);

        var sent = Enumerable.Range(0, Threads * sizes.Length)
            .Select(i => RequestOf([sizes[i % sizes.Length], sizes[(i * 5) % sizes.Length]], seed: i)).ToList();
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(() =>
        {
            foreach (var request in sent.Skip(thread * sizes.Length).Take(sizes.Length))
            {
                Assert.True(sender.Send(request, atOnce: thread == 0));
                Assert.True(sender.Send(FrameType.Cancel, [7, 7, 7]));
            }
        }, Cancellation)));
        await sender.FlushedAsync(Wait.DefaultLimit, TimeProvider.System);
        sender.Dispose();
        await reading.WaitAsync(Wait.DefaultLimit, Cancellation);

        Assert.Equal(sent.Count, small);
        var byId = got.ToDictionary(request => request.Id);
        Assert.All(sent, request => Assert.Equal(
            request.Inputs.Select(input => Convert.ToHexString(SHA256.HashData(input.Data.Span))),
            byId[request.Id].Inputs.Select(input => Convert.ToHexString(SHA256.HashData(input.Data.Span)))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Frame_for_which_there_is_no_memory_leaves_nothing_behind(bool large)
    {
        var (one, other) = await ConnectAsync();
        using var sender = new DirectLink(one, maxUnsent: int.MaxValue);
        using var receiver = new DirectLink(other) { MaxFrame = 1 << 20 };
        var got = new List<byte[]>();
        var reading = receiver.ReadAsync(frames => got.AddRange(frames.Select(f => f.Payload)), Cancellation);

        Assert.Throws<OutOfMemoryException>(() =>
        {
            // Longer than any array, so that the buffer can't grow to it and nothing is read.
            byte first = 0;
            var endless = MemoryMarshal.CreateReadOnlySpan(ref first, Array.MaxLength);
            _ = large ? sender.SendLarge(FrameType.Replies, endless) : sender.Send(FrameType.Replies, endless);
        });
        Assert.True(sender.SendLarge(FrameType.Replies, [1, 2, 3]));
        await sender.FlushedAsync(Wait.DefaultLimit, TimeProvider.System);
        sender.Dispose();
        await reading.WaitAsync(Wait.DefaultLimit, Cancellation);

        Assert.Equal([1, 2, 3], Assert.Single(got));
    }

    [Fact]
    public async Task Peer_that_reads_no_more_is_given_up_and_requests_find_another_way_before()
    {
        var (one, other) = await ConnectAsync();
        using var peer = other;
        using var link = new DirectLink(one, maxUnsent: 1 << 20);
        var request = new InferenceRequest(
            Guid.NewGuid(), "m", "1", "t", RequestKind.Call, Priority.Normal, "r", default, default, null, null, [],
            [new Tensor("x", Datatype.Uint8, [1 << 16], new byte[1 << 16])]);
        var wait = Wait.For("the peer to be full");
        while (link.Send(request))
        {
            wait.ThrowIfOver();
        }

        Assert.False(link.IsClosed);
        while (link.Send(FrameType.Replies, new byte[1 << 16]))
        {
            wait.ThrowIfOver();
        }

        Assert.True(link.IsClosed);
        Assert.False(link.Send(request));
    }

    [Fact]
    public async Task Large_answers_that_do_not_fit_leave_the_connection_to_the_small_ones()
    {
        var (one, other) = await ConnectAsync();
        using var link = new DirectLink(one, maxUnsent: 1 << 20);
        using var peer = new DirectLink(other) { MaxFrame = 1 << 25 };
        var (large, sent, wait) = (new byte[3 << 20], 0, Wait.For("the peer to be full"));
        while (link.SendLarge(FrameType.Replies, large))
        {
            sent++;
            wait.ThrowIfOver();
        }

        Assert.True(link.Send(FrameType.Replies, new byte[8]));
        Assert.False(link.IsClosed);

        // Once the peer reads, all arrives, and there is room again.
        var got = new List<int>();
        var reading = peer.ReadAsync(frames => got.AddRange(frames.Select(f => f.Payload.Length)), Cancellation);
        await link.FlushedAsync(Wait.DefaultLimit, TimeProvider.System);
        Assert.True(link.SendLarge(FrameType.Replies, large));
        await link.FlushedAsync(Wait.DefaultLimit, TimeProvider.System);
        link.Dispose();
        await reading.WaitAsync(Wait.DefaultLimit, Cancellation);
        Assert.Equal([.. Enumerable.Repeat(large.Length, sent), 8, large.Length], got);
    }

    [Fact]
    public async Task Reader_ends_with_its_link_though_the_peer_says_nothing()
    {
        var (one, other) = await ConnectAsync();
        using var peer = other;
        using var link = new DirectLink(one);
        var reading = link.ReadAsync(_ => { }, Cancellation);

        link.Dispose();

        await reading.WaitAsync(Wait.DefaultLimit, Cancellation);
        Assert.Equal(0, await peer.ReceiveAsync(new byte[1], SocketFlags.None, Cancellation));
    }

    [Fact]
    public async Task Reader_that_is_cancelled_ends_and_closes_the_connection()
    {
        var (one, other) = await ConnectAsync();
        using var peer = other;
        using var link = new DirectLink(one);
        using var stop = new CancellationTokenSource();
        var reading = link.ReadAsync(_ => { }, stop.Token);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(Wait.DefaultLimit, Cancellation));
        Assert.True(link.IsClosed);
    }

    private static InferenceRequest RequestOf(int[] sizes, int seed)
    {
        var random = new Random(seed);
        return new(
            Guid.NewGuid(), "m", "1", "t", RequestKind.Call, Priority.Normal, "r", default, default, null, null, ["y"],
            [.. sizes.Select((size, i) =>
            {
                var data = new byte[size];
                random.NextBytes(data);
                return new Tensor($"x{i}", Datatype.Uint8, [size], data);
            })]);
    }

    private static async Task<(Socket One, Socket Other)> ConnectAsync()
    {
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var one = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await one.ConnectAsync(listener.LocalEndPoint!);
        return (one, await listener.AcceptAsync());
    }
}
