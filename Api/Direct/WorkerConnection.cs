using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Net;
using System.Net.Sockets;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Direct;

/// <summary>This replica's connection to one worker, which all its calls there share.</summary>
internal sealed partial class WorkerConnection(
    string worker,
    DirectEndpoint endpoint,
    DirectHandshake handshake,
    string replica,
    int maxFrame,
    Action changed,
    DirectDeadlines deadlines,
    TimeProvider time,
    ILogger logger)
{
    // Heartbeats without a word after which the worker is taken to be gone.
    private const int MostSilent = 3;
    private const int MaxIntroduction = 1 << 20;

    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<Guid, DirectCall> _calls = new();
    private DirectLink? _link;
    private DirectHandshake.Hello? _hello;
    private DirectHandshake.Proof? _proof;
    private bool _welcome;
    private bool _leaving;
    private volatile bool _ended;
    private string _reason = "its connection to the worker broke";
    private int _outstanding;

    public string Worker => worker;

    /// <summary>What the worker has open and ready; nothing before it has proven itself, nor once it drains.</summary>
    public FrozenSet<QueueName> Serves { get; private set; } = FrozenSet<QueueName>.Empty;

    /// <summary>Whether the worker has ever proven itself.</summary>
    public bool WasWelcome => _welcome;

    /// <summary>Calls that wait for an answer here.</summary>
    public int Outstanding => Volatile.Read(ref _outstanding);

    /// <summary>What is known of the worker's bounds without asking.</summary>
    public QueueRejections Rejections { get; } = new(time);

    /// <summary>Connects, and reads until the connection ends. Then all that waits learns so.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            using var link = await ConnectAsync(stop);
            _link = link;
            await link.ReadAsync(Got, stop);
        }
        catch (InvalidDataException exception)
        {
            LogRefused(worker, exception.Message);
        }
        catch (Exception exception) when (exception is SocketException or TimeoutException)
        {
            LogNotConnected(worker, endpoint.Host, endpoint.Port, exception.Message);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The replica stops.
        }
        finally
        {
            _ended = true;
            Serves = FrozenSet<QueueName>.Empty;
            changed();
            foreach (var id in _calls.Keys)
            {
                End(id, new DirectEnd(Lost: _reason));
            }
        }
    }

    /// <returns>Null where the connection has ended.</returns>
    public DirectCall? Send(InferenceRequest request, AnswerParts? parts = null)
    {
        if (_link is not { } link)
        {
            return null;
        }

        var call = new DirectCall(this, request, parts, deadlines);
        _calls[request.Id] = call;

        // Where others are under way their requests may share its send.
        var isAlone = Interlocked.Increment(ref _outstanding) == 1;
        if (link.Send(request, atOnce: isAlone) && !_ended)
        {
            return call;
        }

        Take(request.Id);
        return null;
    }

    /// <summary>Called when nobody waits for a call any more.</summary>
    public void Forget(DirectCall call)
    {
        if (Take(call.Request.Id) is not null)
        {
            Span<byte> id = stackalloc byte[16];
            call.Request.Id.TryWriteBytes(id);
            _link?.Send(FrameType.Cancel, id);
        }
    }

    /// <summary>Asks whether the worker is there, and gives it up where it has been silent for long.</summary>
    public void Beat()
    {
        if (_link is not { } link || _ended)
        {
            return;
        }

        if (link.Silence() > MostSilent)
        {
            _reason = "its worker fell silent";
            LogSilent(worker);
            link.Dispose();
        }
        else if (_welcome)
        {
            link.Send(FrameType.Ping, []);
        }
    }

    private async Task<DirectLink> ConnectAsync(CancellationToken stop)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(ConnectTime);
            await socket.ConnectAsync(
                IPAddress.TryParse(endpoint.Host, out var address)
                    ? new IPEndPoint(address, endpoint.Port)
                    : new DnsEndPoint(endpoint.Host, endpoint.Port),
                limit.Token);
            return new DirectLink(socket);
        }
        catch (OperationCanceledException late) when (!stop.IsCancellationRequested)
        {
            socket.Dispose();
            throw new TimeoutException($"no connection within {ConnectTime.TotalSeconds:0} s", late);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void Got(IReadOnlyList<Frame> frames)
    {
        foreach (var frame in frames)
        {
            if (!_welcome)
            {
                Greet(frame);
                continue;
            }

            switch (frame.Type)
            {
                case FrameType.Replies:
                    foreach (var reply in ReplyBatch.Each(frame.Payload))
                    {
                        End(reply.Id, new DirectEnd(Reply: reply));
                    }

                    break;
                case FrameType.Part:
                    var part = DirectMessages.DecodePart(frame.Payload);
                    _calls.GetValueOrDefault(part.Id)?.Parts?.Add(part);
                    break;
                case FrameType.Refused:
                    var refusal = DirectMessages.DecodeRefusal(frame.Payload);
                    End(refusal.Id, new DirectEnd(Refusal: refusal.Admission));
                    break;
                case FrameType.Returned:
                    var returned = DirectMessages.DecodeReturn(frame.Payload);
                    End(returned.Id, returned.Failure is { } failure
                        ? new DirectEnd(Failure: failure)
                        : new DirectEnd(Left: "its worker returned it"));
                    break;
                case FrameType.Serves:
                    Serves = _leaving ? FrozenSet<QueueName>.Empty : DirectMessages.DecodeServes(frame.Payload).ToFrozenSet();
                    changed();
                    break;
                case FrameType.Pong:
                    foreach (var standing in DirectMessages.DecodePong(frame.Payload))
                    {
                        Rejections.Observe(standing.Queue, standing.Removed);
                    }

                    break;
                case FrameType.GoAway:
                    _leaving = true;
                    Serves = FrozenSet<QueueName>.Empty;
                    changed();
                    break;
                default:
                    throw new InvalidDataException($"A worker sent a frame of type {frame.Type}, which is a replica's.");
            }
        }
    }

    // No request goes to a peer that has not proven that it knows the secret.
    private void Greet(Frame frame)
    {
        if (_proof is null)
        {
            _hello = frame.Type == FrameType.Hello
                ? DirectHandshake.Hello.Decode(frame.Payload)
                : throw new InvalidDataException($"A worker began with a frame of type {frame.Type}.");
            if (_hello.Version != Frame.ProtocolVersion || _hello.Worker != worker)
            {
                throw new InvalidDataException(
                    $"{_hello.Worker} answers with version {_hello.Version}; {worker} with {Frame.ProtocolVersion} was expected.");
            }

            // What a worker says of itself follows its welcome, often in the same read.
            _link!.MaxFrame = Math.Min(maxFrame, MaxIntroduction);
            _proof = handshake.Prove(_hello, replica, maxFrame);
            _link.Send(FrameType.Proof, _proof.Encode());
        }
        else if (frame.Type == FrameType.Welcome && handshake.IsWelcome(_hello!, _proof, frame.Payload))
        {
            _welcome = true;
            _link!.MaxFrame = maxFrame;
        }
        else
        {
            throw new InvalidDataException("The worker does not know the secret (Direct:Secret).");
        }
    }

    private void End(Guid id, DirectEnd end) => Take(id)?.Ended(end);

    private DirectCall? Take(Guid id)
    {
        if (!_calls.TryRemove(id, out var call))
        {
            return null;
        }

        Interlocked.Decrement(ref _outstanding);
        return call;
    }

    [LoggerMessage(LogLevel.Warning, "The direct connection to {Worker} is ended: {Reason}")]
    private partial void LogRefused(string worker, string reason);

    [LoggerMessage(LogLevel.Warning, "{Worker} can't be reached directly at {Host}:{Port}, its calls go through Redis: {Reason}")]
    private partial void LogNotConnected(string worker, string host, int port, string reason);

    [LoggerMessage(LogLevel.Warning, "{Worker} is silent: its direct calls are sent again")]
    private partial void LogSilent(string worker);
}
