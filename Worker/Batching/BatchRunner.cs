using System.Diagnostics;
using System.Text;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Statistics;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data.Jobs;
using InferenceTemplate.Worker.Direct;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Generation;
using InferenceTemplate.Worker.ModelCache;
using InferenceTemplate.Worker.Pipelines;

namespace InferenceTemplate.Worker.Batching;

/// <summary>Runs batches of one model version and has their requests answered, whatever happens. Instances share it.</summary>
/// <param name="responseBytes">Of the outputs of one answer, at most.</param>
/// <param name="maxRunTime">Of a run for which only jobs wait, as long as it may take (<c>Jobs:MaxRunTime</c>).</param>
/// <param name="stopRuns">Ends what runs, and has it returned: the time to finish is over.</param>
internal sealed partial class BatchRunner(
    ModelSession session,
    BatchDispatcher dispatcher,
    BatchTrust trust,
    Completions completions,
    ServingState state,
    Telemetry telemetry,
    GenerationTelemetry generations,
    TimeProvider time,
    ILogger logger,
    int responseBytes,
    TimeSpan maxRunTime,
    CancellationToken stopRuns)
{
    // The longest deadline of a call, and more.
    private static readonly TimeSpan LongestWatch = TimeSpan.FromDays(1);

    private readonly string _name = $"{session.File.Model}/{session.File.Version}";

    private Func<InferenceRequest, int> Limit => field ??= LimitOf;

    private string Model => session.File.Model;

    private string Version => session.File.Version;

    /// <summary>Blocks the calling thread, which is the instance's own.</summary>
    public void Run(IModelInstance instance, PendingRequest[] batch)
    {
        completions.WaitForRoom();
        var start = time.GetTimestamp();
        var run = DropUseless(batch);
        if (run.Length > 1 && !dispatcher.SharesRuns)
        {
            // Another instance has ended that since this batch was formed.
            RunEachAlone(instance, run);
        }
        else if (run.Length > 0 && RunOrHalve(instance, run))
        {
            dispatcher.Record(RowsOf(run), time.GetElapsedTime(start));
            var learned = dispatcher.EffectiveMaxRows;
            telemetry.EffectiveMaxRows(Model, Version, learned);
            state.LearnedRows[_name] = learned;
        }
    }

    // The last look before the device is used: since the batch was read, callers may have left and deadlines have passed.
    private PendingRequest[] DropUseless(PendingRequest[] batch)
    {
        var now = time.GetUtcNow();
        List<PendingRequest>? useless = null;
        foreach (var request in batch)
        {
            if (request.Queued.IsCancelled || request.Request.Deadline <= now)
            {
                (useless ??= []).Add(request);
            }
        }

        if (useless is null)
        {
            return batch;
        }

        Abandon(useless, "before the request could run");
        return [.. batch.Except(useless)];
    }

    private void Abandon(IReadOnlyList<PendingRequest> requests, string when, TimeSpan computeTime = default)
    {
        var left = requests.Where(r => r.Queued.IsCancelled).ToList();
        var late = requests.Except(left).ToList();
        telemetry.Dropped(Model, Version, "cancelled", left.Count);
        telemetry.Dropped(Model, Version, "expired", late.Count);
        completions.Drop(Queued(left));
        completions.Refuse(Queued(late), ReplyOutcome.Expired, $"the deadline passed {when}", computeTime);
    }

    // A job's deadline is for its start. Nobody knows which job of the run it was, and none is run again.
    private void AbandonRun(PendingRequest[] run, TimeSpan computeTime)
    {
        List<PendingRequest> jobs = [.. run.Where(r => IsJob(r) && !r.Queued.IsCancelled)];
        telemetry.Dropped(Model, Version, "expired", jobs.Count);
        completions.Refuse(
            Queued(jobs), ReplyOutcome.Expired,
            $"the run took longer than a job's may (Jobs:MaxRunTime, {maxRunTime.TotalSeconds:0.###} s)", computeTime);
        Abandon([.. run.Except(jobs)], "during the run", computeTime);
    }

    private static bool IsJob(PendingRequest request) => request.Request.Kind == RequestKind.Job;

    /// <returns>Whether it ran as one.</returns>
    private bool RunOrHalve(IModelInstance instance, PendingRequest[] run)
    {
        var start = time.GetTimestamp();
        try
        {
            RunOnce(instance, run);
            state.DeviceWell();
            return true;
        }
        catch (OperationCanceledException) when (stopRuns.IsCancellationRequested)
        {
            completions.Return(Queued(run));
        }
        catch (OperationCanceledException)
        {
            AbandonRun(run, time.GetElapsedTime(start));
        }
        catch (UnsplittableOutputException exception)
        {
            if (run.Length > 1 && dispatcher.SharesRuns)
            {
                Distrust(exception.Message);
            }

            RunEachAlone(instance, run);
        }
        catch (RefusedInputException exception)
        {
            RunWithout(instance, run, exception.Requests);
        }
        catch (Exception exception)
        {
            HandleFailure(instance, run, exception);
        }

        return false;
    }

    private void RunEachAlone(IModelInstance instance, PendingRequest[] run)
    {
        foreach (var request in run)
        {
            RunOrHalve(instance, [request]);
        }
    }

    // The callers' mistake, found before the model was run: nothing that it did, nor a reason to run the others in halves.
    private void RunWithout(IModelInstance instance, PendingRequest[] run, IReadOnlyDictionary<int, string> refused)
    {
        telemetry.Dropped(Model, Version, "refused", refused.Count);
        foreach (var (place, reason) in refused)
        {
            completions.Refuse([run[place].Queued], ReplyOutcome.Refused, reason);
        }

        if (refused.Count < run.Length)
        {
            RunOrHalve(instance, [.. run.Where((_, place) => !refused.ContainsKey(place))]);
        }
    }

    private void Distrust(string reason)
    {
        dispatcher.Separate();
        trust.End(new ModelKey(Model, Version), reason);
    }

    private void HandleFailure(IModelInstance instance, PendingRequest[] run, Exception exception)
    {
        var fault = RunFailures.Classify(exception);
        telemetry.Failed(Model, Version, fault.ToString().ToLowerInvariant());
        if (run.Length > 1 && fault is RunFailure.Input or RunFailure.Memory)
        {
            // Halves of halves: one request that spoils its batch is found in a few runs, however large the batch.
            LogHalving(run.Length, Model, Version, RuntimeMessage.OperatorOf(exception));
            var first = RunOrHalve(instance, [.. run.Take(run.Length / 2)]);
            var second = RunOrHalve(instance, [.. run.Skip(run.Length / 2)]);
            if (fault == RunFailure.Memory && first && second)
            {
                // It was the batch's size, and no request by itself.
                dispatcher.Cap(Math.Max(1, RowsOf(run) / 2));
            }
        }
        else if (fault == RunFailure.Input)
        {
            LogFailed(Model, Version, RuntimeMessage.OperatorOf(exception));
            completions.Refuse(Queued(run), ReplyOutcome.Failed, $"the model failed on this input: {RuntimeMessage.Of(exception)}");
        }
        else if (fault == RunFailure.Memory && MemoryAsked.Of(exception) is { IsMoreThanThereIs: true } asked)
        {
            LogFailed(Model, Version, RuntimeMessage.OperatorOf(exception));
            completions.Refuse(
                Queued(run), ReplyOutcome.Failed, $"the model needs more memory for this input than there is: {asked.Bytes} bytes at once");
        }
        else
        {
            LogDevice(exception, Model, Version, run.Length);
            if (fault == RunFailure.Device || MemoryAsked.Of(exception) is not { IsLarge: true })
            {
                state.DeviceFailed(exception.Message);
            }

            completions.Retry(Queued(run), RuntimeMessage.Of(exception));
        }
    }

    private void RunOnce(IModelInstance instance, PendingRequest[] run)
    {
        var startedAt = time.GetUtcNow();
        var rows = RowsOf(run);
        var requests = Queued(run);
        Activity?[] spans = Telemetry.Source.HasListeners() ? [.. run.Select(r => StartSpan(r.Request, rows))] : [];
        try
        {
            using var scope = RunScope.Begin(requests, TimeFor(run, startedAt, maxRunTime), time, stopRuns);

            if (instance is GenerationInstance generation)
            {
                generation.Parts = PartsOf(run[0].Queued);
                generation.Generated = (request, text) => generations.Generated(Model, request, text);
            }

            if (instance is PipelineInstance pipeline)
            {
                pipeline.Requests = spans;
            }

            var wanted = ReplySplitter.Wanted(session.Signature, run);
            var start = scope.AssembledAt;
            using var outputs = instance.Run(InputsOf(run), wanted, scope.Assembled, scope.Token);
            var (assembled, ended) = (scope.AssembledAt, time.GetTimestamp());
            var computeTime = (instance as GenerationInstance)?.Computed ?? time.GetElapsedTime(start, ended);

            var splitter = new ReplySplitter(session.Signature, wanted, outputs, rows);
            if (dispatcher.SharesRuns && !run[0].RunsAlone && splitter.Mismatch is { } mismatch)
            {
                // Also where one request ran by itself: what it shows of the model would next happen to several.
                Distrust(mismatch);
            }

            var tooLarge = splitter.TooLarge(run, Limit);
            var replies = splitter.Split(
                run, tooLarge?.Keys ?? (IReadOnlyCollection<PendingRequest>)[], startedAt, computeTime, state.WorkerId);
            telemetry.Computed(Model, Version, computeTime, rows);
            state.Executed(new RunTimes(
                Model, Version, run.Length, rows, time.GetElapsedTime(start, assembled), time.GetElapsedTime(assembled, ended),
                time.GetElapsedTime(ended)));
            foreach (var request in run)
            {
                telemetry.Queued(Model, Version, startedAt - request.Request.EnqueuedAt);
            }

            completions.Answer(tooLarge is null ? requests : Queued([.. run.Except(tooLarge.Keys)]), replies, rows, computeTime);
            if (tooLarge is not null)
            {
                RefuseTooLarge(tooLarge);
            }
        }
        catch (Exception exception) when (exception is not RefusedInputException)
        {
            Array.ForEach(spans, s => s?.SetStatus(ActivityStatusCode.Error, RuntimeMessage.OperatorOf(exception)));
            throw;
        }
        finally
        {
            Array.ForEach(spans, s => s?.Dispose());
        }
    }

    /// <summary>How long a run may take: as long as anybody waits for it.</summary>
    /// <param name="ofJob">How long jobs wait, whose deadlines are for their start.</param>
    internal static TimeSpan TimeFor(PendingRequest[] run, DateTimeOffset now, TimeSpan ofJob)
    {
        var longest = TimeSpan.Zero;
        foreach (var request in run)
        {
            var rest = IsJob(request) ? ofJob : request.Request.Deadline - now;
            longest = rest > longest ? rest : longest;
        }

        return longest < LongestWatch ? longest : LongestWatch;
    }

    // Only a direct connection carries them; elsewhere the whole answer has to do.
    private static Action<string>? PartsOf(QueuedRequest request)
    {
        if (request is not DirectRequest direct)
        {
            return null;
        }

        var sent = 0;
        return text =>
        {
            for (ReadOnlyMemory<byte> rest = Encoding.UTF8.GetBytes(text); rest.Length > 0;)
            {
                // Whole characters.
                var length = Math.Min(rest.Length, DirectPart.MaxBytes);
                while (length < rest.Length && (rest.Span[length] & 0xC0) == 0x80)
                {
                    length--;
                }

                var part = rest[..length];
                direct.Session.Send(FrameType.Part, DirectMessages.Encode(new DirectPart(direct.Request.Id, sent, part)));
                sent += part.Length;
                rest = rest[part.Length..];
            }
        };
    }

    private int LimitOf(InferenceRequest request) =>
        request.Kind == RequestKind.Job ? Math.Min(responseBytes, JobLeases.MaxOutputBytes) : responseBytes;

    private void RefuseTooLarge(IReadOnlyDictionary<PendingRequest, long> answers)
    {
        foreach (var (request, bytes) in answers)
        {
            var limit = LimitOf(request.Request);
            var source = limit == responseBytes ? "Limits:ResponseBytes" : "a job's result";
            var asked = request.Request.RequestedOutputs.Length;
            var fewer = asked > 1 || (asked == 0 && session.Signature.Outputs.Length > 1) ? ": name fewer in 'outputs'" : "";
            completions.Refuse(
                [request.Queued], ReplyOutcome.TooLarge, $"the outputs have {bytes} bytes; {limit} are allowed ({source}){fewer}");
        }
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

    private static int RowsOf(PendingRequest[] run)
    {
        var rows = 0;
        foreach (var request in run)
        {
            rows += request.Rows;
        }

        return rows;
    }

    private static Tensor[][] InputsOf(PendingRequest[] run)
    {
        var inputs = new Tensor[run.Length][];
        for (var i = 0; i < inputs.Length; i++)
        {
            inputs[i] = run[i].Inputs;
        }

        return inputs;
    }

    private static QueuedRequest[] Queued(IReadOnlyList<PendingRequest> requests)
    {
        var queued = new QueuedRequest[requests.Count];
        for (var i = 0; i < queued.Length; i++)
        {
            queued[i] = requests[i].Queued;
        }

        return queued;
    }

    [LoggerMessage(LogLevel.Warning, "A batch of {Count} requests of {Model}/{Version} failed; its halves now run by themselves: {Where}")]
    private partial void LogHalving(int count, string model, string version, string where);

    [LoggerMessage(LogLevel.Warning, "{Model}/{Version} failed on a request: {Where}")]
    private partial void LogFailed(string model, string version, string where);

    [LoggerMessage(LogLevel.Error, "A run of {Model}/{Version} failed through no fault of its input; its {Count} requests are tried again")]
    private partial void LogDevice(Exception exception, string model, string version, int count);
}
