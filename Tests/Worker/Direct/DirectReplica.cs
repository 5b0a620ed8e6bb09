using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Worker.Direct;

/// <summary>An Api replica at the other end of a worker's direct connection, frame by frame.</summary>
internal sealed class DirectReplica : IDisposable
{
    public const string Secret = "tests-share-this-secret-among-their-ends";

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<Guid, TaskCompletionSource<InferenceReply>> _waiting = new();

    private DirectReplica()
    {
    }

    /// <summary>All that the worker sent, in order.</summary>
    public ConcurrentQueue<Frame> Frames { get; } = new();

    /// <summary>Ends when the worker has closed the connection.</summary>
    public Task Closed => _closed.Task;

    public IEnumerable<DirectReturn> Returned => Of(FrameType.Returned).Select(f => DirectMessages.DecodeReturn(f.Payload));

    public IEnumerable<DirectRefusal> Refused => Of(FrameType.Refused).Select(f => DirectMessages.DecodeRefusal(f.Payload));

    public QueueName[] Serves => Of(FrameType.Serves).Select(f => DirectMessages.DecodeServes(f.Payload)).LastOrDefault() ?? [];

    /// <summary>Connects, and proves that it knows a secret; the worker's answer comes later.</summary>
    public static async Task<DirectReplica> ConnectAsync(DirectEndpoint endpoint, string secret = Secret, int maxFrame = 1 << 24)
    {
        var replica = new DirectReplica();
        await replica._socket.ConnectAsync(IPAddress.Parse(endpoint.Host), endpoint.Port);
        _ = replica.ReadAsync();
        await Wait.UntilAsync(() => Task.FromResult(replica.Of(FrameType.Hello).Any()));
        var hello = DirectHandshake.Hello.Decode(replica.Of(FrameType.Hello).Single().Payload);
        await replica.SendAsync(FrameType.Proof, new DirectHandshake(secret).Prove(hello, "replica", maxFrame).Encode());
        return replica;
    }

    public async Task ServesAsync(string model) =>
        await Wait.UntilAsync(() => Task.FromResult(Serves.Any(queue => queue.Model == model)));

    public Task SendAsync(FrameType type, byte[] payload) => SendAsync(Bytes(type, payload));

    public async Task SendAsync(byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length;)
        {
            sent += await _socket.SendAsync(bytes.AsMemory(sent), SocketFlags.None);
        }
    }

    /// <summary>Sends requests in one piece, so that the worker reads them together.</summary>
    public Task SendAsync(params IEnumerable<InferenceRequest> requests) =>
        SendAsync([.. requests.SelectMany(r => Bytes(FrameType.Request, RequestCodec.Encode(r)))]);

    public Task<InferenceReply> ReplyTo(Guid id) =>
        _waiting.GetOrAdd(id, _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public Task CancelAsync(Guid id) => SendAsync(FrameType.Cancel, id.ToByteArray());

    public IEnumerable<Frame> Of(FrameType type) => Frames.Where(f => f.Type == type);

    public void Dispose() => _socket.Dispose();

    public static byte[] Bytes(FrameType type, byte[] payload) => [.. BitConverter.GetBytes(payload.Length), (byte)type, .. payload];

    private async Task ReadAsync()
    {
        var (decoder, buffer, frames) = (new FrameDecoder(1 << 26), new byte[1 << 16], new List<Frame>());
        try
        {
            while (await _socket.ReceiveAsync(buffer) is var count and > 0)
            {
                decoder.Feed(buffer.AsSpan(0, count), frames);
                foreach (var frame in frames)
                {
                    Frames.Enqueue(frame);
                    foreach (var reply in frame.Type == FrameType.Replies ? ReplyBatch.Read(frame.Payload) : [])
                    {
                        _ = ReplyTo(reply.Id);
                        _waiting[reply.Id].TrySetResult(reply);
                    }
                }

                frames.Clear();
            }
        }
        catch (SocketException)
        {
            // The worker reset it.
        }
        catch (ObjectDisposedException)
        {
            // The test ended it.
        }

        _closed.TrySetResult();
    }
}
