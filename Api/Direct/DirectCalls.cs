using System.Runtime.CompilerServices;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Models;
using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Direct;

/// <summary>How a call ended that was sent directly; one of these is set, or none where no worker answered in time.</summary>
/// <param name="Refusal">All workers that have the model open are full.</param>
/// <param name="Spent">Why it is given up: it was with as many workers as it may.</param>
/// <param name="Elsewhere">It is to go through Redis, as it is now; <paramref name="Reason"/> says why.</param>
internal readonly record struct DirectCallEnd(
    InferenceReply? Reply = null,
    (Admission Admission, int RetryAfter)? Refusal = null,
    string? Spent = null,
    InferenceRequest? Elsewhere = null,
    string? Reason = null);

/// <summary>
/// Sends calls straight to workers that have their model open. Inference is pure: what is lost with a connection is sent again at once,
/// alone in its run, as often as the queue would give it out.
/// </summary>
internal sealed partial class DirectCalls(
    WorkerConnections workers,
    RequestQueue queue,
    ModelAvailability models,
    Telemetry telemetry,
    IOptions<QueueOptions> options,
    TimeProvider time,
    ILogger<DirectCalls> logger)
{
    // Larger ones would hold others up on the connection, and the queue has the word on what is too large for it.
    private const int PartOfBytes = 8;

    private const int LooksForWake = 20;
    private const int MaxWaiting = 100;

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(20);

    private int _waiting;

    /// <summary>Whether a request of so many bytes can be sent directly now.</summary>
    public bool Takes(QueueName name, long bytes) => bytes <= options.Value.MaxBytes / PartOfBytes && workers.For(name).Length > 0;

    /// <summary>Whether a worker is connected that has the version open.</summary>
    public bool Serves(QueueName name) => workers.For(name).Length > 0;

    /// <summary>
    /// Has the version opened where no worker has it, and waits for that: parts of an answer come by connections alone.
    /// </summary>
    /// <param name="most">How long; it ends before where no worker can load the version, and at once where 100 wait already.</param>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task OpenAsync(QueueName name, TimeSpan most, CancellationToken cancellationToken)
    {
        if (workers.For(name).Length > 0 || !workers.Any)
        {
            return;
        }

        // They are not yet held to their tenants' limits.
        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            return;
        }

        try
        {
            await WaitAsync(name, most, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private async Task WaitAsync(QueueName name, TimeSpan most, CancellationToken cancellationToken)
    {
        // A worker that has yet to read of a new version in the registry passes a wake-up over.
        var start = time.GetTimestamp();
        for (var looks = 0; workers.For(name).Length == 0 && time.GetElapsedTime(start) < most; looks++)
        {
            if (looks % LooksForWake == 0)
            {
                if (await models.OfAsync(name.Model, name.Version, cancellationToken) is not null)
                {
                    return;
                }

                await queue.WakeAsync(name);
            }

            await Task.Delay(BetweenLooks, time, cancellationToken);
        }
    }

    /// <summary>
    /// The refusal of a request like this one, where all workers that have the version open were full a moment ago. Asks nobody.
    /// </summary>
    public (Admission Admission, int RetryAfter)? Refuses(QueueName name, long? contentLength)
    {
        (Admission, int)? refusal = null;
        foreach (var connection in workers.For(name))
        {
            if (connection.Rejections.Refuses(name, contentLength) is not { } known)
            {
                return null;
            }

            refusal = (known, connection.Rejections.RetryAfter(name, known.Depth));
        }

        return refusal;
    }

    /// <summary>Requests a second that leave the workers; null where this replica has not seen enough of it.</summary>
    public double? DrainRate(QueueName name)
    {
        double? sum = null;
        foreach (var connection in workers.For(name))
        {
            sum = connection.Rejections.DrainRate(name) is { } rate ? (sum ?? 0) + rate : sum;
        }

        return sum;
    }

    /// <param name="parts">Gets parts of the answer as they come; null where only the whole is wanted.</param>
    /// <param name="until">When it ends without an answer.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<DirectCallEnd> RunAsync(
        InferenceRequest request, AnswerParts? parts, long? contentLength, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var name = new QueueName(request.Model, request.Version);
        HashSet<WorkerConnection>? tried = null;
        (Admission, int)? refusal = null;
        string? reason = null;
        while (true)
        {
            var open = workers.For(name);
            var among = tried is null ? open : Without(open, tried);
            if (WorkerConnections.Choose(among) is not { } connection)
            {
                // Who is full says so for all: the queue is no place for what they refuse.
                return refusal is null ? new DirectCallEnd(Elsewhere: request, Reason: reason) : new DirectCallEnd(Refusal: refusal);
            }

            using var call = connection.Send(request, parts);
            if (call is null)
            {
                (tried ??= []).Add(connection);
                continue;
            }

            var end = await call.EndAsync(until - time.GetUtcNow(), cancellationToken);
            if (end.IsLate)
            {
                return default;
            }

            telemetry.Direct(end);
            if (end.Reply is not null)
            {
                return new DirectCallEnd(Reply: end.Reply);
            }

            if (parts is { HasBegun: true })
            {
                // Its caller has read what another run might tell otherwise.
                return new DirectCallEnd(Spent: $"the answer broke off, since {end.Left ?? end.Failure ?? end.Lost}");
            }

            (tried ??= []).Add(connection);
            if (end.Refusal is { } full)
            {
                connection.Rejections.Learn(name, full, request.Priority, contentLength);
                refusal = (full, connection.Rejections.RetryAfter(name, full.Depth));
                continue;
            }

            reason = end.Left ?? end.Failure ?? end.Lost;
            if (end.Left is not null)
            {
                continue;
            }

            request = request with { EarlierDeliveries = request.EarlierDeliveries + 1 };
            LogAgain(request.Id, name, request.EarlierDeliveries, reason!);
            if (request.EarlierDeliveries >= options.Value.MaxDeliveries)
            {
                _ = DeadLetterAsync(request);
                return new DirectCallEnd(Spent: end.Failure ?? $"given to a worker {request.EarlierDeliveries} times and never finished");
            }

            if (end.Failure is not null)
            {
                // By whichever worker, this one too: it was not to blame for more than this run.
                await Task.Delay(
                    Least(options.Value.BackoffAfter(request.EarlierDeliveries), until - time.GetUtcNow()), time, cancellationToken);
                tried = null;
            }
        }
    }

    private static WorkerConnection[] Without(WorkerConnection[] open, HashSet<WorkerConnection> tried) =>
        [.. open.Where(c => !tried.Contains(c))];

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other > TimeSpan.Zero ? other : TimeSpan.Zero;

    // A worker that reads it sees that its deliveries are over, and makes the dead letter. Its caller has its answer.
    private async Task DeadLetterAsync(InferenceRequest request)
    {
        try
        {
            var admission = await queue.EnqueueAsync(request with { ReplyTo = "", EnqueuedAt = time.GetUtcNow() });
            if (admission.Outcome != EnqueueOutcome.Enqueued)
            {
                LogNotDeadLettered(request.Id, $"its queue is full ({admission.Outcome})");
            }
        }
        catch (QueueUnavailableException exception)
        {
            LogNotDeadLettered(request.Id, exception.InnerException!.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Request {Request} of {Queue} came back from a worker unfinished, {Deliveries} times now: {Reason}")]
    private partial void LogAgain(Guid request, QueueName queue, int deliveries, string reason);

    [LoggerMessage(LogLevel.Warning, "Request {Request}, which is given up, could not be made a dead letter: {Reason}")]
    private partial void LogNotDeadLettered(Guid request, string reason);
}
