using System.Collections.ObjectModel;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// The answers of one run on their way back. What goes to one Api replica shares messages up to <see cref="MaxMessageBytes"/>; a larger
/// answer is alone, and handed over by a <see cref="ReplyClaim"/>. A job's answer is for Postgres.
/// </summary>
public sealed class Replies
{
    /// <summary>
    /// Bytes of a message. Redis disconnects a subscriber that has left 32 MiB unread: 512 such messages.
    /// </summary>
    public const int MaxMessageBytes = 64 << 10;

    // One whose answers are sent, for the next run of this thread: most have a few small answers.
    [ThreadStatic]
    private static Replies? t_spare;

    private readonly List<(string Replica, ReplyBatch Message)> _messages = [];
    private ReplyBatch? _spare;
    private Dictionary<Guid, ReplyBatch>? _large;
    private Dictionary<Guid, ReplyBatch>? _ofJobs;

    /// <summary>An empty one.</summary>
    public static Replies Take()
    {
        var replies = t_spare ?? new Replies();
        t_spare = null;
        return replies;
    }

    /// <summary>Says that it was sent, on the thread that took it: nobody has it, or one of its messages, any more.</summary>
    public void Recycle()
    {
        // Of the messages one is enough: replicas are few.
        foreach (var (_, message) in _messages)
        {
            message.Clear();
            _spare = message;
        }

        _messages.Clear();
        (_large, _ofJobs) = (null, null);
        t_spare = this;
    }

    /// <summary>Messages, each for the Api replica that is named.</summary>
    public IReadOnlyList<(string Replica, ReplyBatch Message)> Messages => _messages;

    /// <summary>Answers of calls that are too large for a message, by the call's id.</summary>
    public IReadOnlyDictionary<Guid, ReplyBatch> Large => _large is null ? ReadOnlyDictionary<Guid, ReplyBatch>.Empty : _large;

    /// <summary>The answer of a job among them.</summary>
    public ReplyBatch OfJob(Guid id) => _ofJobs![id];

    /// <summary>Where to write the answer to a request: add exactly that one.</summary>
    /// <param name="size">Bytes of the answer with its outputs.</param>
    public ReplyBatch For(InferenceRequest request, int size)
    {
        var whole = checked(ReplyBatch.HeaderSize + size);
        if (request.Kind == RequestKind.Job)
        {
            return (_ofJobs ??= [])[request.Id] = new ReplyBatch(whole);
        }

        if (whole > MaxMessageBytes)
        {
            return (_large ??= [])[request.Id] = new ReplyBatch(whole);
        }

        // Replicas are few, and the last message of each is the one that may have room.
        for (var i = _messages.Count - 1; i >= 0; i--)
        {
            if (_messages[i].Replica == request.ReplyTo)
            {
                if (_messages[i].Message.Length + size <= MaxMessageBytes)
                {
                    return _messages[i].Message;
                }

                break;
            }
        }

        var message = _spare ?? new ReplyBatch(whole);
        _spare = null;
        _messages.Add((request.ReplyTo, message));
        return message;
    }

    /// <summary>Answers a call without outputs.</summary>
    /// <param name="computeTime">How long it ran until it was ended.</param>
    public void Refuse(
        InferenceRequest request, ReplyOutcome outcome, string error, DateTimeOffset now, string worker, TimeSpan computeTime = default) =>
        For(request, ReplyBatch.AnswerSize(worker, error))
            .Add(request.Id, outcome, error, now - request.EnqueuedAt - computeTime, computeTime, 0, worker);
}
