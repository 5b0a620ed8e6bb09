using InferenceTemplate.Core.Queue;
using InferenceTemplate.Worker.Direct;
using InferenceTemplate.Worker.Draining;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Generation;
using InferenceTemplate.Worker.Jobs;
using InferenceTemplate.Worker.Models;

namespace InferenceTemplate.Worker.Batching;

/// <summary>
/// Serves one model version: a reader takes requests from its queue, direct connections bring others, a dispatcher forms batches of
/// them, and instances, each on a thread of its own, run and answer those. Made by <see cref="ModelServerFactory"/>.
/// </summary>
internal sealed partial class ModelServer(
    ModelSession session,
    bool batched,
    BatchTrust trust,
    TriedInputs tried,
    QueueConsumer consumer,
    JobLeaseTracker jobs,
    JobCompletion completion,
    BatchRules rules,
    WorkerOptions options,
    TimeSpan keepInterval,
    int responseBytes,
    DirectServers direct,
    DrainSignal drain,
    ServingState state,
    Telemetry telemetry,
    GenerationTelemetry generations,
    TimeProvider time,
    ILogger<ModelServer> logger)
{
    private const string LacksInput = "the request lacks an input of this model";

    private static readonly TimeSpan RetryAfterFault = TimeSpan.FromSeconds(1);

    // Answers of an instance that may be on their way while it runs on.
    private const int CompletionsPerInstance = 4;

    private readonly BatchDispatcher _dispatcher =
        new(rules, new BatchTuner(rules.MaxRows), batched, time);

    private readonly Completions _completions = new(
        consumer, completion, session.File.Model, session.File.Version, state, time, logger, CompletionsPerInstance * rules.Instances);

    private readonly DirectIntake _intake = direct.IntakeOf(new QueueName(session.File.Model, session.File.Version));

    private long _lastInFlight = time.GetTimestamp();

    /// <summary>Zero while anything is in flight, else the time since something was, or since the start.</summary>
    public TimeSpan IdleFor =>
        consumer.InFlight.Count > 0 || _intake.Depth > 0 ? TimeSpan.Zero : time.GetElapsedTime(Interlocked.Read(ref _lastInFlight));

    /// <summary>Runs begun so far.</summary>
    public int Begun => _dispatcher.Begun;

    private string Model => session.File.Model;

    private string Version => session.File.Version;

    /// <summary>
    /// Works until told to stop or the process drains. Then nothing more is read, what has not begun is returned, and what runs is
    /// finished and answered; what still runs after <see cref="WorkerOptions.DrainTimeout"/> is ended and returned.
    /// </summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var presence = drain.Enter();
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stop, drain.Started);
        using var stopRuns = new CancellationTokenSource();
        using var finished = new CancellationTokenSource();
        consumer.Dropped = (reason, count) => telemetry.Dropped(Model, Version, reason, count);

        var runner = new BatchRunner(
            session, _dispatcher, trust, _completions, state, telemetry, generations, time, logger, responseBytes, jobs.MaxRunTime,
            stopRuns.Token);
        Task[] instances = [.. Enumerable.Range(0, rules.Instances).Select(i => InstanceThread.Start(
            $"{Model}/{Version} {i}", session, _dispatcher, runner))];
        var running = Task.WhenAll(instances.Select(i => EndWithAsync(i, stopping)));
        var keeping = KeepAsync(finished.Token);
        try
        {
            if (!stopping.IsCancellationRequested)
            {
                direct.Open(_intake, TakeDirect, DropCancelledDirect);
            }

            await ReadAsync(stopping.Token);
            direct.Close(_intake);
            using var limit = time.CreateTimer(_ => stopRuns.Cancel(), null, options.DrainTimeout, Timeout.InfiniteTimeSpan);
            _completions.Return([.. _dispatcher.Close().Select(r => r.Queued)]);
            await running;
            await _completions.AllAsync();
        }
        catch (Exception exception)
        {
            // What the instance had, and nobody else has.
            await _completions.AllAsync();
            List<QueuedRequest> left = [.. consumer.InFlight, .. _intake.Held];
            _completions.Retry(left, $"an instance ended: {exception.Message}");
            await _completions.AllAsync();
            throw;
        }
        finally
        {
            await finished.CancelAsync();
            await keeping;
        }
    }

    // What one instance can't survive its neighbours may not either: the server ends, and is made anew.
    private static async Task EndWithAsync(Task instance, CancellationTokenSource stopping)
    {
        try
        {
            await instance;
        }
        catch
        {
            await stopping.CancelAsync();
            throw;
        }
    }

    private async Task ReadAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (_dispatcher.Room() is var room && room == 0)
                {
                    await _dispatcher.RoomAsync(stopping);
                }
                else if (await consumer.ReadAsync(await LimitAsync(room, stopping)) is { Count: > 0 } requests)
                {
                    await TakeAsync(requests, stopping);
                }
                else
                {
                    await consumer.WaitAsync(stopping);
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                // Asked to stop while waiting.
            }
            catch (Exception exception)
            {
                // Redis is away, most likely. What was being read becomes due again in time.
                LogFault(exception, Model, Version);
                await PauseAsync(stopping);
            }
        }

    }

    // A worker whose device fails would spend the deliveries of every request: it tries one at a time, slowly, until one succeeds.
    private async Task<int> LimitAsync(int room, CancellationToken stopping)
    {
        if (state.DeviceFailure is null)
        {
            return room;
        }

        await Task.Delay(RetryAfterFault, time, stopping);
        return 1;
    }

    private async Task TakeAsync(IReadOnlyList<QueuedRequest> requests, CancellationToken stopping)
    {
        Interlocked.Exchange(ref _lastInFlight, time.GetTimestamp());
        state.Began(requests.Count);
        JobClaim claim;
        try
        {
            claim = await jobs.ClaimAsync(requests);
        }
        catch
        {
            // Else they would be kept, and run by nobody.
            jobs.Abandon(requests);
            consumer.Release(requests);
            state.Ended(requests.Count);
            throw;
        }

        completion.Drop(claim.Dropped);
        _completions.Postpone(claim.Postponed, RetryAfterFault);
        Offer(claim.Ready);
        if (claim.Ready.Count == 0 && claim.Postponed.Count > 0)
        {
            // Postgres is away and only jobs are waiting: they can't run before it is back.
            await PauseAsync(stopping);
        }
    }

    // Called on the reader of a connection. What comes as the dispatcher closes goes back.
    private void TakeDirect(IReadOnlyList<DirectRequest> requests)
    {
        Interlocked.Exchange(ref _lastInFlight, time.GetTimestamp());
        state.Began(requests.Count);
        if (state.DeviceFailure is not null)
        {
            // Another worker may be well; if none is, the queue gives them out slowly.
            _completions.Return(requests);
            return;
        }

        Offer(requests);
    }

    private void DropCancelledDirect()
    {
        var cancelled = _dispatcher.Remove(r => r.IsDirect && r.Queued.IsCancelled);
        telemetry.Dropped(Model, Version, "cancelled", cancelled.Count);
        _completions.Drop([.. cancelled.Select(r => r.Queued)]);
    }

    private void Offer(IReadOnlyList<QueuedRequest> requests)
    {
        var pending = new List<PendingRequest>(requests.Count);
        for (var i = 0; i < requests.Count; i++)
        {
            var request = requests[i];
            if (PendingRequest.Create(session.Signature, request, batched) is not { } fits)
            {
                _completions.Refuse([request], ReplyOutcome.Failed, LacksInput);
            }
            else if (tried.Refusal(Model, Version, fits.Inputs) is { } refusal)
            {
                telemetry.Dropped(Model, Version, "refused", 1);
                _completions.Refuse([request], ReplyOutcome.Refused, refusal);
            }
            else
            {
                pending.Add(fits);
            }
        }

        if (!_dispatcher.Offer(pending))
        {
            _completions.Return([.. pending.Select(p => p.Queued)]);
        }
    }

    // Says that what is in flight is still worked on; what the queue has given to another worker meanwhile is forgotten here.
    private async Task KeepAsync(CancellationToken finished)
    {
        using var timer = new PeriodicTimer(keepInterval, time);
        while (!finished.IsCancellationRequested)
        {
            try
            {
                await timer.WaitForNextTickAsync(finished);
                if (_intake.Depth > 0)
                {
                    Interlocked.Exchange(ref _lastInFlight, time.GetTimestamp());
                }

                if (consumer.InFlight is not { Count: > 0 } inFlight)
                {
                    continue;
                }

                Interlocked.Exchange(ref _lastInFlight, time.GetTimestamp());
                var lost = (await consumer.KeepAsync(inFlight)).ToHashSet();
                if (lost.Count > 0)
                {
                    completion.Abandon(lost);
                    state.Ended(_dispatcher.Remove(r => lost.Contains(r.Queued)).Count);
                }
            }
            catch (OperationCanceledException) when (finished.IsCancellationRequested)
            {
                // All is done.
            }
            catch (Exception exception)
            {
                LogNotKept(Model, Version, exception.Message);
            }
        }
    }

    private async Task PauseAsync(CancellationToken stopping)
    {
        await Task.Delay(RetryAfterFault, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    [LoggerMessage(LogLevel.Error, "Serving {Model}/{Version} was interrupted, trying again in a second")]
    private partial void LogFault(Exception exception, string model, string version);

    [LoggerMessage(LogLevel.Warning, "The queue could not be told that requests of {Model}/{Version} are still worked on: {Reason}")]
    private partial void LogNotKept(string model, string version, string reason);
}
