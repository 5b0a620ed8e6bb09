using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Api;

/// <summary>
/// A worker of the test, to which the platform's replicas connect directly. What it does with a request is the test's to say.
/// </summary>
internal sealed class DirectWorker : IAsyncDisposable
{
    private readonly string _model;
    private readonly FleetRegistry _fleet;
    private readonly DirectHandshake _handshake;
    private readonly WorkerStatus _status;
    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _left = new();
    private readonly ConcurrentDictionary<DirectLink, bool> _asked = new();

    private DirectWorker(ModelQueue queue, string secret, byte version)
    {
        (_model, _fleet, _handshake) = (queue.Model, new FleetRegistry(queue.Redis), new DirectHandshake(secret));
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _status = new WorkerStatus(
            $"direct-{Guid.NewGuid():N}", "elsewhere", TimeProvider.System.GetUtcNow(), Ready: true, "cpu", "CPUExecutionProvider",
            [], 0, 0, 0, 0)
        {
            Direct = new DirectEndpoint("127.0.0.1", ((IPEndPoint)_listener.LocalEndPoint!).Port, version),
            DirectQueues =
                [new DirectQueueStatus($"{_model}/1", 4000, [.. Enumerable.Range(0, 4).Select(_ => new DirectLevelStatus(3, 7.5))])],
        };
    }

    public string Id => _status.Id;

    /// <summary>What it does with a request; at first it answers by <see cref="Answer"/>.</summary>
    public Action<DirectLink, InferenceRequest>? Does { get; set; }

    public bool AnswersPings { get; set; } = true;

    public ConcurrentQueue<InferenceRequest> Requests { get; } = new();

    public ConcurrentQueue<Guid> Cancelled { get; } = new();

    /// <summary>Connections that were accepted.</summary>
    public int Accepted { get; private set; }

    /// <summary>Starts it, and waits until both replicas have heard what it serves.</summary>
    public static async Task<DirectWorker> StartAsync(ModelQueue queue, Action<DirectWorker, DirectLink, InferenceRequest>? does = null)
    {
        var worker = await ListenAsync(queue, Platform.DirectSecret, Frame.ProtocolVersion);
        worker.Does = (link, request) => (does ?? ((self, to, what) => self.Answer(to, what)))(worker, link, request);

        // Who asks whether it is there has read all that came before.
        await Wait.UntilAsync(() => worker._asked.Count >= 2);
        return worker;
    }

    /// <summary>Starts it with what no replica accepts.</summary>
    public static async Task<DirectWorker> ListenAsync(ModelQueue queue, string secret, byte version)
    {
        var worker = new DirectWorker(queue, secret, version);
        await worker._fleet.ReportAsync(worker._status);
        _ = worker.BeatAsync();
        _ = worker.AcceptAsync();
        return worker;
    }

    /// <summary>Refuses an input in the model's name: the error tells who answered.</summary>
    public void Answer(DirectLink link, InferenceRequest request)
    {
        var replies = new Replies();
        replies.Refuse(request, ReplyOutcome.Failed, $"answered by {Id}", TimeProvider.System.GetUtcNow(), Id);
        link.Send(FrameType.Replies, replies.Messages[0].Message.Written.Span);
    }

    public static void Refuse(DirectLink link, InferenceRequest request) => link.Send(
        FrameType.Refused, DirectMessages.Encode(new DirectRefusal(request.Id, new Admission(EnqueueOutcome.Full, 77, 4000, 0))));

    public static void Return(DirectLink link, InferenceRequest request, string? failure = null) =>
        link.Send(FrameType.Returned, DirectMessages.Encode(new DirectReturn(request.Id, failure)));

    public async ValueTask DisposeAsync()
    {
        await _left.CancelAsync();
        _listener.Dispose();
        await _fleet.LeaveAsync(_status);
        foreach (var link in _asked.Keys)
        {
            link.Dispose();
        }
    }

    private async Task BeatAsync()
    {
        while (!_left.IsCancellationRequested)
        {
            try
            {
                await _fleet.ReportAsync(_status);
            }
            catch (Exception late) when (late is RedisException or TimeoutException)
            {
                // A busy machine: the next beat may be in time.
            }

            await Task.Delay(TimeSpan.FromSeconds(1), _left.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task AcceptAsync()
    {
        while (!_left.IsCancellationRequested)
        {
            try
            {
                var link = new DirectLink(await _listener.AcceptAsync(_left.Token));
                Accepted++;
                _ = ServeAsync(link);
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(DirectLink link)
    {
        var hello = DirectHandshake.Hello.Of(Id);
        link.Send(FrameType.Hello, hello.Encode());
        await link.ReadAsync(frames =>
        {
            foreach (var frame in frames)
            {
                Got(link, hello, frame);
            }
        }, CancellationToken.None);
    }

    private void Got(DirectLink link, DirectHandshake.Hello hello, Frame frame)
    {
        switch (frame.Type)
        {
            case FrameType.Proof:
                link.MaxFrame = 1 << 26;
                link.Send(FrameType.Welcome, _handshake.Welcome(hello, DirectHandshake.Proof.Decode(frame.Payload)));
                // More than a frame of the handshake may have, and in the same read as its end.
                link.Send(FrameType.Serves, DirectMessages.EncodeServes(
                    [new QueueName(_model, "1"), .. Enumerable.Range(0, 100).Select(i => new QueueName($"another-of-its-models-{i}", "1"))]));
                break;
            case FrameType.Ping when AnswersPings:
                _asked[link] = true;
                link.Send(FrameType.Pong, DirectMessages.EncodePong([]));
                break;
            case FrameType.Request:
                var request = RequestCodec.Decode(frame.Payload);
                Requests.Enqueue(request);
                Does?.Invoke(link, request);
                break;
            case FrameType.Cancel:
                Cancelled.Enqueue(DirectMessages.DecodeCancel(frame.Payload));
                break;
        }
    }
}
