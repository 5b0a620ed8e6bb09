using System.Diagnostics;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Batching;

/// <summary>Serves one model version: takes requests from its queue, runs them in batches, answers.</summary>
internal sealed partial class ModelServer(
    ModelSession session,
    QueueConsumer consumer,
    WorkerOptions options,
    QueueOptions queueOptions,
    ServingState state,
    Telemetry telemetry,
    TimeProvider time,
    ILogger<ModelServer> logger)
{
    private static readonly TimeSpan RetryAfterFault = TimeSpan.FromSeconds(1);

    private long _lastInHand = time.GetTimestamp();

    /// <summary>Zero while anything is in hand, else the time since something was, or since the start.</summary>
    public TimeSpan IdleFor => consumer.InHand.Count > 0 ? TimeSpan.Zero : time.GetElapsedTime(Interlocked.Read(ref _lastInHand));

    private string Model => session.File.Model;

    private string Version => session.File.Version;

    /// <summary>Works until told to stop; a batch that has begun is finished and answered first.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        consumer.Dropped = (reason, count) => telemetry.Dropped(Model, Version, reason, count);
        using var served = new CancellationTokenSource();
        var keeping = KeepAsync(served.Token);
        await ServeUntilAsync(stopping);
        await served.CancelAsync();
        await keeping;
    }

    private async Task ServeUntilAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var requests = await TakeAsync(stopping);
                if (requests.Count > 0)
                {
                    await ServeAsync(requests);
                }
                else
                {
                    await consumer.WaitAsync(stopping);
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                // Asked to stop while waiting: nothing is in hand.
            }
            catch (Exception exception)
            {
                // Redis is away, most likely. Whatever was in hand stays pending, and is run again after its visibility time.
                consumer.Release(consumer.InHand);
                LogFault(exception, Model, Version);
                await Task.Delay(RetryAfterFault, time, CancellationToken.None);
            }
        }
    }

    // What is in hand must not look lost while it waits and runs.
    private async Task KeepAsync(CancellationToken served)
    {
        while (true)
        {
            try
            {
                await Task.Delay(queueOptions.KeepInterval, time, served);
                await consumer.KeepAsync(consumer.InHand);
            }
            catch (OperationCanceledException) when (served.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                LogNotKept(exception.Message, Model, Version);
            }
        }
    }

    private async Task<IReadOnlyList<QueuedRequest>> TakeAsync(CancellationToken stopping)
    {
        var requests = await consumer.ReadAsync(options.MaxBatchSize);
        if (requests.Count == 0 || requests.Count == options.MaxBatchSize || options.MaxBatchDelay == TimeSpan.Zero)
        {
            return requests;
        }

        await Task.Delay(options.MaxBatchDelay, time, CancellationToken.None);
        return stopping.IsCancellationRequested
            ? requests
            : [.. requests, .. await consumer.ReadAsync(options.MaxBatchSize - requests.Count)];
    }

    private async Task ServeAsync(IReadOnlyList<QueuedRequest> requests)
    {
        Interlocked.Exchange(ref _lastInHand, time.GetTimestamp());
        state.Began(requests.Count);
        try
        {
            var now = time.GetUtcNow();
            var expired = requests.Where(r => r.Request.Deadline <= now).ToList();
            if (expired.Count > 0)
            {
                telemetry.Dropped(Model, Version, "expired", expired.Count);
                await AnswerAllAsync(expired, ReplyOutcome.Expired, "the deadline passed before the request could run");
            }

            List<QueuedRequest> live = [.. requests.Where(r => r.Request.Deadline > now)];

            // One that was with a worker which died may be the reason: it takes no other with it.
            var suspects = live.Where(r => r.RunsAlone).Select(r => (IReadOnlyList<QueuedRequest>)[r]);
            var runs = BatchPlan.Split(session.Signature, [.. live.Where(r => !r.RunsAlone)], options.MaxBatchSize);
            foreach (var run in runs.Concat(suspects))
            {
                await RunOrIsolateAsync(run);
            }
        }
        finally
        {
            state.Ended(requests.Count);
        }
    }

    // A request that the model fails on must not take its neighbours with it.
    private async Task RunOrIsolateAsync(IReadOnlyList<QueuedRequest> run)
    {
        try
        {
            await RunBatchAsync(run);
        }
        catch (Exception exception) when (IsOfThisInput(exception) && run.Count > 1)
        {
            LogIsolating(run.Count, Model, Version);
            foreach (var request in run)
            {
                await RunOrIsolateAsync([request]);
            }
        }
        catch (Exception exception) when (IsOfThisInput(exception))
        {
            LogFailed(exception, Model, Version);
            await AnswerAllAsync(run, ReplyOutcome.Failed, $"the model failed on this input: {exception.Message}");
        }
    }

    // The model's own failure, or outputs that can't be cut apart by rows.
    private static bool IsOfThisInput(Exception exception) => exception is OnnxRuntimeException or InvalidDataException;

    private async Task RunBatchAsync(IReadOnlyList<QueuedRequest> run)
    {
        var startedAt = time.GetUtcNow();
        var rows = run.Sum(BatchPlan.Rows);
        var spans = run.Select(r => StartSpan(r.Request, rows)).ToList();
        try
        {
            var start = time.GetTimestamp();
            using var outputs = session.Run([.. run.Select(r => r.Request.Inputs)]);
            var computeTime = time.GetElapsedTime(start);

            telemetry.Computed(Model, Version, computeTime, rows);
            state.Executed(rows);
            var replies = new ReplySplitter(session.Signature, outputs, rows).Split(run, startedAt, computeTime, state.WorkerId);
            foreach (var request in run)
            {
                telemetry.Queued(Model, Version, startedAt - request.Request.EnqueuedAt);
            }

            await consumer.CompleteAsync(run, replies);
        }
        catch (Exception exception)
        {
            spans.ForEach(s => s?.SetStatus(ActivityStatusCode.Error, exception.Message));
            throw;
        }
        finally
        {
            spans.ForEach(s => s?.Dispose());
        }
    }

    private Task AnswerAllAsync(IReadOnlyList<QueuedRequest> requests, ReplyOutcome outcome, string error)
    {
        var now = time.GetUtcNow();
        var replies = new Dictionary<string, ReplyBatch>(StringComparer.Ordinal);
        foreach (var request in requests.Select(r => r.Request))
        {
            ReplyBatch.For(replies, request.ReplyTo).Add(
                request.Id, outcome, error, now - request.EnqueuedAt, TimeSpan.Zero, 0, state.WorkerId);
        }

        return consumer.CompleteAsync(requests, replies);
    }

    private Activity? StartSpan(InferenceRequest request, int rows)
    {
        _ = ActivityContext.TryParse(request.TraceParent, request.TraceState, isRemote: true, out var parent);
        var span = Telemetry.Source.StartActivity($"infer {Model}", ActivityKind.Consumer, parent);
        span?.SetTag("inference.model.name", Model)
            .SetTag("inference.model.version", Version)
            .SetTag("inference.batch.size", rows)
            .SetTag("inference.worker", state.WorkerId);
        return span;
    }

    [LoggerMessage(LogLevel.Error, "Serving {Model}/{Version} was interrupted, trying again in a second")]
    private partial void LogFault(Exception exception, string model, string version);

    [LoggerMessage(LogLevel.Warning, "What is in hand of {Model}/{Version} could not be renewed: {Reason}")]
    private partial void LogNotKept(string reason, string model, string version);

    [LoggerMessage(LogLevel.Warning, "A batch of {Count} requests of {Model}/{Version} failed; each now runs alone")]
    private partial void LogIsolating(int count, string model, string version);

    [LoggerMessage(LogLevel.Warning, "{Model}/{Version} failed on a request")]
    private partial void LogFailed(Exception exception, string model, string version);
}
