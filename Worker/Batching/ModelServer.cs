using System.Diagnostics;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Jobs;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Batching;

/// <summary>Serves one model version: takes requests from its queue, runs them in batches, answers.</summary>
internal sealed partial class ModelServer(
    ModelSession session,
    QueueConsumer consumer,
    JobLedger jobs,
    JobSettlement settlement,
    WorkerOptions options,
    ServingState state,
    Telemetry telemetry,
    TimeProvider time,
    ILogger<ModelServer> logger)
{
    private static readonly TimeSpan RetryAfterFault = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AbandonedCheckInterval = TimeSpan.FromSeconds(30);

    private string Model => session.File.Model;

    private string Version => session.File.Version;

    /// <summary>Works until told to stop; a batch that has begun is finished and answered first.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        var lastCheck = time.GetTimestamp();
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

                if (time.GetElapsedTime(lastCheck) > AbandonedCheckInterval)
                {
                    lastCheck = time.GetTimestamp();
                    telemetry.Dropped(Model, Version, "abandoned", await consumer.DropAbandonedAsync());
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                // Asked to stop while waiting: nothing is in hand.
            }
            catch (Exception exception)
            {
                // Redis is away, most likely. Whatever was in hand stays pending and its callers time out.
                LogFault(exception, Model, Version);
                await Task.Delay(RetryAfterFault, time, CancellationToken.None);
            }
        }

        await settlement.WhenSettledAsync();
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
        state.Began(requests.Count);
        try
        {
            // What is postponed stays in the queue unacknowledged.
            var claim = await jobs.ClaimAsync(requests);
            settlement.Drop(claim.Dropped);
            var now = time.GetUtcNow();
            var expired = claim.Ready.Where(r => r.Request.Deadline <= now).ToList();
            if (expired.Count > 0)
            {
                telemetry.Dropped(Model, Version, "expired", expired.Count);
                await AnswerAllAsync(expired, ReplyOutcome.Expired, "the deadline passed before the request could run");
            }

            List<QueuedRequest> live = [.. claim.Ready.Where(r => r.Request.Deadline > now)];
            foreach (var run in BatchPlan.Split(session.Signature, live, options.MaxBatchSize))
            {
                await RunOrIsolateAsync(WithoutCancelled(run));
            }
        }
        finally
        {
            jobs.Abandon(requests);
            state.Ended(requests.Count);
        }
    }

    private IReadOnlyList<QueuedRequest> WithoutCancelled(IReadOnlyList<QueuedRequest> run)
    {
        List<QueuedRequest> cancelled = [.. run.Where(r => jobs.IsCancelled(r.Request.Id))];
        settlement.Settle(cancelled, job => new JobResult(job.Id, Outputs: null, "the job was cancelled before it ran", 409));
        return cancelled.Count == 0 ? run : [.. run.Except(cancelled)];
    }

    // A request that the model fails on must not take its neighbours with it.
    private async Task RunOrIsolateAsync(IReadOnlyList<QueuedRequest> run)
    {
        if (run.Count == 0)
        {
            return;
        }

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

            settlement.Settle(Jobs(run), job => new JobResult(
                job.Id, replies[JobSettlement.Address(job.Id)].ToMessage(), BatchSize: rows, ComputeTime: computeTime));
            await AnswerCallersAsync(run, replies);
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
        settlement.Settle(Jobs(requests), job => new JobResult(
            job.Id, Outputs: null, error, (short)(outcome == ReplyOutcome.Expired ? 504 : 400)));
        var replies = new Dictionary<string, ReplyBatch>(StringComparer.Ordinal);
        foreach (var request in requests.Select(r => r.Request).Where(r => r.Kind != RequestKind.Job))
        {
            ReplyBatch.For(replies, request.ReplyTo).Add(
                request.Id, outcome, error, now - request.EnqueuedAt, TimeSpan.Zero, 0, state.WorkerId);
        }

        return AnswerCallersAsync(requests, replies);
    }

    // Jobs are settled by themselves: their answers go to Postgres.
    private Task AnswerCallersAsync(IReadOnlyList<QueuedRequest> requests, IReadOnlyDictionary<string, ReplyBatch> replies)
    {
        List<QueuedRequest> calls = [.. requests.Where(r => r.Request.Kind != RequestKind.Job)];
        var addressed = calls.Select(c => c.Request.ReplyTo).ToHashSet(StringComparer.Ordinal);
        return calls.Count == 0
            ? Task.CompletedTask
            : consumer.CompleteAsync(calls, replies.Where(r => addressed.Contains(r.Key)).ToDictionary(StringComparer.Ordinal));
    }

    private static List<QueuedRequest> Jobs(IReadOnlyList<QueuedRequest> requests) =>
        [.. requests.Where(r => r.Request.Kind == RequestKind.Job)];

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

    [LoggerMessage(LogLevel.Warning, "A batch of {Count} requests of {Model}/{Version} failed; each now runs alone")]
    private partial void LogIsolating(int count, string model, string version);

    [LoggerMessage(LogLevel.Warning, "{Model}/{Version} failed on a request")]
    private partial void LogFailed(Exception exception, string model, string version);
}
