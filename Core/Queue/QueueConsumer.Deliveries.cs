using InferenceTemplate.Core.Queue.Scripts;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>What becomes of entries as they arrive: into hand, or out of the queue where they can't or must not be run.</summary>
public sealed partial class QueueConsumer
{
    /// <summary>
    /// Moves a request to the dead letters of its model version, and tells its caller that it could not be run.
    /// </summary>
    public async Task DeadLetterAsync(QueuedRequest request, string reason)
    {
        try
        {
            if (BeforeDeadLetter is { } before)
            {
                await before(request, reason);
            }

            await MoveToDeadLettersAsync(request, reason);
        }
        finally
        {
            Release([request]);
        }
    }

    private async Task MoveToDeadLettersAsync(QueuedRequest request, string reason)
    {
        var held = (int)await QueueScripts.DeadLetter.EvaluateAsync(
            Database,
            _keys,
            QueueKeys.WorkerGroup,
            worker,
            request.Level,
            request.EntryId,
            reason,
            request.Deliveries,
            time.GetUtcNow().ToUnixTimeMilliseconds(),
            options.Value.MaxDeadLetters);
        if (held < 0)
        {
            // Its caller is the other worker's to answer.
            LogLost(1, _queue);
            return;
        }

        var replies = new Replies();
        if (request.Request.ReplyTo.Length > 0)
        {
            replies.Refuse(request.Request, ReplyOutcome.Unavailable, reason, time.GetUtcNow(), worker);
        }

        LogDeadLetter(request.Request.Id, _queue, reason);
        ReportDropped("dead-letter", 1);
        await CompleteAsync([request], replies);
    }

    private async Task<IReadOnlyList<QueuedRequest>> DecodeAsync(RedisResult[] entries)
    {
        var requests = new List<QueuedRequest>(entries.Length);
        try
        {
            foreach (var entry in entries)
            {
                if (await DecodeEntryAsync((RedisResult[])entry!) is { } request)
                {
                    requests.Add(request);
                }
            }

            return requests;
        }
        catch
        {
            // Else they would be kept, and run by nobody.
            Release(requests);
            throw;
        }
    }

    private async Task<QueuedRequest?> DecodeEntryAsync(RedisResult[] entry)
    {
        var (level, id, deliveries) = ((int)entry[0], (string)entry[1]!, (int)entry[2]);
        var message = (byte[])entry[3]!;
        QueuedRequest request;
        try
        {
            request = new QueuedRequest(id, RequestCodec.Decode(message), deliveries, message.Length);
            if (request.Level != level)
            {
                throw new InvalidDataException($"A request of priority {request.Request.Priority} is in another's stream.");
            }
        }
        catch (InvalidDataException exception)
        {
            // Nobody can be answered: whose it was is in the part that can't be read.
            LogUnreadable(exception, id, _queue);
            await RemoveAsync(Database, [(level, id, message.Length)]);
            ReportDropped("unreadable", 1);
            return null;
        }

        // This worker was silent for so long that it found its own work lost.
        if (!_inFlight.TryAdd((request.Request.Priority, id, request.Request.Id), request))
        {
            return null;
        }

        cancellations.Add(request);
        if (request.AllDeliveries > options.Value.MaxDeliveries)
        {
            await DeadLetterAsync(request);
            return null;
        }

        return request;
    }

    private async Task DeadLetterAsync(QueuedRequest request)
    {
        try
        {
            await DeadLetterAsync(request, $"given to a worker {request.AllDeliveries - 1} times and never finished");
        }
        catch (Exception exception)
        {
            // It stays pending, and becomes due again. Those read with it must not suffer.
            LogNotDeadLettered(exception, request.Request.Id, _queue);
        }
    }

    [LoggerMessage(LogLevel.Error, "Entry {Entry} of the queue of {Queue} could not be read and was removed")]
    private partial void LogUnreadable(Exception exception, string entry, QueueName queue);

    [LoggerMessage(LogLevel.Error, "Request {Request} of {Queue} is a dead letter now: {Reason}")]
    private partial void LogDeadLetter(Guid request, QueueName queue, string reason);

    [LoggerMessage(LogLevel.Error, "Request {Request} of {Queue} could not be made a dead letter yet")]
    private partial void LogNotDeadLettered(Exception exception, Guid request, QueueName queue);
}
