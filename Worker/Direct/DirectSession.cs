using System.Collections.Concurrent;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Worker.Direct;

/// <summary>
/// A connection of an Api replica. Nothing but the handshake is read before the replica has proven that it knows the secret.
/// </summary>
internal sealed partial class DirectSession(
    DirectLink link,
    DirectServers servers,
    DirectHandshake handshake,
    string worker,
    int maxFrame,
    TimeProvider time,
    ILogger logger)
{
    private static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(2);

    // Lists of requests that wait for the next read.
    private const int MostKept = 16;

    private static int s_count;

    private readonly DirectHandshake.Hello _hello = DirectHandshake.Hello.Of(worker);
    private readonly ConcurrentDictionary<Guid, DirectRequest> _held = new();

    // What one read brought, by server: of the reader alone.
    private readonly List<(DirectServers.Server Server, List<DirectRequest> Requests)> _taken = [];
    private string? _replica;
    private int _answerLimit;

    /// <summary>
    /// Stands for the replica in its requests, so that no answer of theirs takes the way by Redis; of this connection only.
    /// </summary>
    public string Name { get; } = $"direct:{Interlocked.Increment(ref s_count)}";

    /// <summary>Serves the connection until it ends.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var limit = time.CreateTimer(_ => EndUnproven(), null, HandshakeTime, Timeout.InfiniteTimeSpan);
        try
        {
            link.Send(FrameType.Hello, _hello.Encode());
            await link.ReadAsync(Got, stop);
        }
        catch (InvalidDataException exception)
        {
            LogRefused(_replica ?? "a stranger", exception.Message);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The worker stops.
        }
        finally
        {
            link.Dispose();

            // Whoever waits there knows that the connection ended, and has sent again what it still wants.
            foreach (var request in _held.Values)
            {
                request.Cancel();
            }

            servers.Leave(this);
        }
    }

    /// <inheritdoc cref="DirectLink.Send(FrameType, ReadOnlySpan{byte}, bool)"/>
    public bool Send(FrameType type, ReadOnlySpan<byte> payload, bool atOnce = false) => link.Send(type, payload, atOnce);

    /// <summary>Sends an answer that has a message of its own; one that the replica would not read, or not in time, becomes the word for that.</summary>
    public void SendLarge(InferenceRequest request, ReplyBatch answer)
    {
        if (answer.Length <= _answerLimit && link.SendLarge(FrameType.Replies, answer.Written.Span))
        {
            return;
        }

        var (outcome, error) = answer.Length > _answerLimit
            ? (ReplyOutcome.TooLarge, $"the answer has {answer.Length} bytes; {_answerLimit} are allowed (Limits:ResponseBytes)")
            : (ReplyOutcome.Expired, $"the answer has {answer.Length} bytes, and too many wait to be sent already: try again");
        var replies = new Replies();
        replies.Refuse(request, outcome, error, time.GetUtcNow(), worker);
        link.Send(FrameType.Replies, replies.Messages[0].Message.Written.Span);
    }

    public void Forget(DirectRequest request) => _held.TryRemove(KeyValuePair.Create(request.Request.Id, request));

    /// <summary>Called regularly: ends a connection from which nothing came for so many calls.</summary>
    public void Watch(int most)
    {
        if (link.Silence() >= most)
        {
            LogSilent(_replica ?? "a stranger");
            link.Dispose();
        }
    }

    /// <summary>Ends it once what was answered has left.</summary>
    public async Task EndAsync()
    {
        await link.FlushedAsync(FlushTime, time);
        link.Dispose();
    }

    private void EndUnproven()
    {
        if (Volatile.Read(ref _replica) is null)
        {
            link.Dispose();
        }
    }

    private void Got(IReadOnlyList<Frame> frames)
    {
        try
        {
            for (var i = 0; i < frames.Count; i++)
            {
                Got(frames[i]);
            }
        }
        finally
        {
            // Also where one is wrong: those before it have their places.
            HandOver();
        }
    }

    private void HandOver()
    {
        foreach (var (server, requests) in _taken)
        {
            if (requests.Count > 0)
            {
                server.Take(requests);
                requests.Clear();
            }
        }

        // Some may serve no more.
        if (_taken.Count > MostKept)
        {
            _taken.Clear();
        }
    }

    private void Got(Frame frame)
    {
        if (_replica is null)
        {
            Prove(frame);
            return;
        }

        switch (frame.Type)
        {
            case FrameType.Request:
                Take(frame);
                break;
            case FrameType.Cancel:
                // Maybe of one that came with the same read, and is not offered yet.
                if (_held.TryGetValue(DirectMessages.DecodeCancel(frame.Payload), out var request))
                {
                    request.Cancel();
                }

                break;
            case FrameType.Ping:
                link.Send(FrameType.Pong, DirectMessages.EncodePong([.. servers.Standings()]));
                break;
            default:
                throw new InvalidDataException($"A replica sent a frame of type {frame.Type}, which is a worker's.");
        }
    }

    private void Prove(Frame frame)
    {
        if (frame.Type != FrameType.Proof)
        {
            throw new InvalidDataException($"A replica began with a frame of type {frame.Type}.");
        }

        var proof = DirectHandshake.Proof.Decode(frame.Payload);
        if (!handshake.Holds(_hello, proof))
        {
            throw new InvalidDataException("A replica does not know the secret (Direct:Secret), or speaks another version.");
        }

        _answerLimit = proof.MaxFrame;
        Volatile.Write(ref _replica, proof.Replica);
        link.MaxFrame = maxFrame;
        link.Send(FrameType.Welcome, handshake.Welcome(_hello, proof));
        servers.Join(this);
    }

    private void Take(Frame frame)
    {
        var request = RequestCodec.Decode(frame.Payload, Name, traced: Telemetry.Source.HasListeners());
        if (request.Kind == RequestKind.Job)
        {
            throw new InvalidDataException("A replica sent a job, which are only in the queue.");
        }

        var queue = new QueueName(request.Model, request.Version);
        if (!servers.TryGet(queue, out var server))
        {
            link.Send(FrameType.Returned, DirectMessages.Encode(new DirectReturn(request.Id, Failure: null)));
            return;
        }

        var held = new DirectRequest(this, server.Intake, request, frame.Payload.Length);
        if (server.Intake.Admit(held) is { } refusal)
        {
            link.Send(FrameType.Refused, DirectMessages.Encode(new DirectRefusal(request.Id, refusal)));
            return;
        }

        _held[request.Id] = held;
        foreach (var (known, requests) in _taken)
        {
            if (known == server)
            {
                requests.Add(held);
                return;
            }
        }

        _taken.Add((server, [held]));
    }

    [LoggerMessage(LogLevel.Warning, "A direct connection of {Replica} is ended: {Reason}")]
    private partial void LogRefused(string replica, string reason);

    [LoggerMessage(LogLevel.Warning, "The replica {Replica} is silent: its direct connection is ended")]
    private partial void LogSilent(string replica);
}
