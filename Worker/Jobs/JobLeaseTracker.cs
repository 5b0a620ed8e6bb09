using System.Collections.Concurrent;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Jobs;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.Jobs;

/// <param name="Ready">To be run: all that are no jobs, and the jobs that are now this worker's.</param>
/// <param name="Dropped">Jobs that are finished, another worker's, or unknown: acknowledge them and forget them.</param>
/// <param name="Postponed">Jobs of which nothing is known while Postgres is away: neither run nor acknowledge them.</param>
internal sealed record JobClaim(
    IReadOnlyList<QueuedRequest> Ready, IReadOnlyList<QueuedRequest> Dropped, IReadOnlyList<QueuedRequest> Postponed);

/// <summary>How a job ended on this worker.</summary>
/// <param name="Job">The delivery that ran: another of the same job is another attempt.</param>
/// <param name="Status">The HTTP status that goes with the error.</param>
internal sealed record JobResult(
    QueuedRequest Job, byte[]? Outputs, string? Error = null, short? Status = null, int BatchSize = 0, TimeSpan ComputeTime = default);

/// <summary>
/// This worker's jobs: claimed before they run, kept by renewed leases while they do, finished in Postgres before their entries
/// leave the queue.
/// </summary>
internal sealed partial class JobLeaseTracker(
    JobLeases leases,
    JobCosts costs,
    JobSignals signals,
    JobTelemetry telemetry,
    ServingState state,
    IOptions<JobOptions> options,
    TimeProvider time,
    ILogger<JobLeaseTracker> logger) : BackgroundService
{
    private const long StatementBytes = 16L << 20;

    /// <summary>How long an end waits for Postgres: as long as the longest lease.</summary>
    internal static readonly TimeSpan LongestOutage = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);

    // By the delivery, not the job: one that was lost may still run here when the job comes again.
    private readonly ConcurrentDictionary<QueuedRequest, HeldJob> _held = new();

    // Jobs that the table may say are this worker's, while it does not have them: the answer to their claim was lost, or they could not be
    // given back. Their leases would run out and cost them attempts in which they never ran.
    private readonly ConcurrentDictionary<Guid, bool> _unknown = new();
    private readonly SemaphoreSlim _returning = new(1);

    /// <summary>How long a run may take for which only jobs wait.</summary>
    public TimeSpan MaxRunTime => options.Value.MaxRunTime;

    private TimeSpan RenewEvery => options.Value.Lease / 3;

    /// <summary>Claims the jobs among some requests; the rest pass through. Never fails because of Postgres.</summary>
    public async Task<JobClaim> ClaimAsync(IReadOnlyList<QueuedRequest> requests)
    {
        // An entry that is late is of no use, whatever its job's row says: a retry has given the job another time, and another entry.
        var now = time.GetUtcNow();
        bool IsLate(QueuedRequest request) => IsJob(request) && request.Request.Deadline <= now;
        List<QueuedRequest> jobs = [.. requests.Where(r => IsJob(r) && !IsLate(r))];
        if (jobs.Count == 0)
        {
            return new([.. requests.Where(r => !IsJob(r))], [.. requests.Where(IsLate)], []);
        }

        // One job may be among the requests twice: the last entry has it, since a retry may have brought that, and the others are dropped.
        Dictionary<Guid, QueuedRequest> entries = [];
        foreach (var job in jobs.OrderBy(j => j.Request.Deadline))
        {
            entries[job.Request.Id] = job;
        }

        IReadOnlyList<JobLease> claimed;
        try
        {
            if (!await ReturnUnknownAsync(CancellationToken.None))
            {
                // Under way elsewhere: until it is known whose they are, they would be dropped as another's.
                return new([.. requests.Where(r => !IsJob(r))], [.. requests.Where(IsLate)], jobs);
            }

            claimed = await leases.ClaimAsync(
                [.. entries.Values.Select(j => JobEntry.Of(j.Request))], state.WorkerId, CancellationToken.None);
        }
        catch (Exception exception)
        {
            LogNotClaimed(jobs.Count, exception.Message);
            ReturnSoon(entries.Values.Select(j => j.Request.Id));
            return new([.. requests.Where(r => !IsJob(r))], [.. requests.Where(IsLate)], jobs);
        }

        var free = claimed.ToDictionary(lease => lease.Id);
        List<QueuedRequest> ready = [], dropped = [];
        foreach (var request in requests)
        {
            if (!IsJob(request))
            {
                ready.Add(request);
            }
            else if (entries.GetValueOrDefault(request.Request.Id) == request && free.TryGetValue(request.Request.Id, out var lease))
            {
                request.HasRunBefore = lease.Attempt > 1;
                _held[request] = new HeldJob(lease, request);
                ready.Add(request);
            }
            else
            {
                dropped.Add(request);
            }
        }

        signals.Changed(claimed.Select(lease => lease.Id));
        return new(ready, dropped, []);
    }

    /// <summary>
    /// Commits how jobs ended. True: their entries can be acknowledged, since each is in the table or is another's by now. False:
    /// Postgres stayed away for longer than <see cref="LongestOutage"/>, or refused, and the jobs will run again.
    /// </summary>
    public async Task<bool> FinishAsync(IReadOnlyList<JobResult> results)
    {
        List<(HeldJob Held, JobResult Result)> mine =
            [.. results.Select(r => (Held: _held.GetValueOrDefault(r.Job)!, Result: r)).Where(job => job.Held is not null)];
        if (mine.Count == 0)
        {
            return true;
        }

        mine.ForEach(job => job.Held.Ending = true);
        try
        {
            var all = true;
            foreach (var part in ByBytes(mine))
            {
                all &= await FinishAsync(part);
            }

            return all;
        }
        finally
        {
            mine.ForEach(job => _held.TryRemove(job.Result.Job, out _));
        }
    }

    private async Task<bool> FinishAsync(List<(HeldJob Held, JobResult Result)> mine)
    {
        JobOutcome[] outcomes = [.. await Task.WhenAll(mine.Select(ToOutcomeAsync))];
        var since = time.GetTimestamp();
        while (true)
        {
            try
            {
                Report(mine, await leases.FinishAsync(outcomes, CancellationToken.None));
                return true;
            }
            catch (Exception exception) when (Outages.IsDatabaseAway(exception) && time.GetElapsedTime(since) < LongestOutage)
            {
                // Also beyond the lease: nobody can take the jobs away as long, and for a lease after it (JobReconciler).
                await Task.Delay(RetryAfter, time, CancellationToken.None);
            }
            catch (Exception exception) when (Outages.IsOfDatabase(exception))
            {
                LogNotFinished(exception, mine.Count, LongestOutage.TotalMinutes);
                return false;
            }
        }
    }

    // One statement holds all its answers: Postgres takes no message of 1 GiB.
    private static IEnumerable<List<(HeldJob Held, JobResult Result)>> ByBytes(List<(HeldJob Held, JobResult Result)> jobs)
    {
        List<(HeldJob, JobResult)> part = [];
        var bytes = 0L;
        foreach (var job in jobs)
        {
            var more = job.Result.Outputs?.Length ?? 0;
            if (part.Count > 0 && bytes + more > StatementBytes)
            {
                yield return part;
                (part, bytes) = ([], 0);
            }

            part.Add(job);
            bytes += more;
        }

        yield return part;
    }

    /// <summary>Stops keeping the jobs among some requests, but for those that are being finished: their leases run out.</summary>
    public void Abandon(IEnumerable<QueuedRequest> requests)
    {
        foreach (var request in requests)
        {
            if (_held.TryGetValue(request, out var held) && !held.Ending)
            {
                _held.TryRemove(request, out _);
            }
        }
    }

    /// <summary>Gives jobs back that were claimed and will not be run here, without counting the attempt.</summary>
    public async Task ReturnAsync(IReadOnlyList<QueuedRequest> requests)
    {
        List<JobLease> mine = [.. requests.Select(r => _held.GetValueOrDefault(r)?.Lease).OfType<JobLease>()];
        Abandon(requests);
        if (mine.Count == 0)
        {
            return;
        }

        try
        {
            await leases.ReturnAsync(mine, CancellationToken.None);
        }
        catch
        {
            ReturnSoon(mine.Select(lease => lease.Id));
            throw;
        }
    }

    // At once, since most broken connections are followed by a whole one, and another worker that gets an entry before drops it.
    private void ReturnSoon(IEnumerable<Guid> jobs)
    {
        foreach (var job in jobs)
        {
            _unknown[job] = true;
        }

        _ = TryAsync();

        async Task TryAsync()
        {
            try
            {
                await ReturnUnknownAsync(CancellationToken.None);
            }
            catch (Exception exception)
            {
                // The next claim tries again, and the next renewal.
                LogNotReturned(_unknown.Count, exception.Message);
            }
        }
    }

    /// <returns>False where another call is at it.</returns>
    private async Task<bool> ReturnUnknownAsync(CancellationToken cancellationToken)
    {
        if (_unknown.IsEmpty)
        {
            return true;
        }

        if (!await _returning.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            return false;
        }

        try
        {
            // What has been claimed by another entry meanwhile is known.
            var held = _held.Values.Select(h => h.Lease.Id).ToHashSet();
            Guid[] unknown = [.. _unknown.Keys];
            await leases.ReturnUnknownAsync([.. unknown.Where(id => !held.Contains(id))], state.WorkerId, cancellationToken);
            foreach (var id in unknown)
            {
                _unknown.TryRemove(id, out _);
            }

            return true;
        }
        finally
        {
            _returning.Release();
        }
    }

    // Goes on after a stop: the leases of what is being finished must last.
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(RenewEvery, _ => RenewAsync(), time, logger, stoppingToken);

    private async Task RenewAsync()
    {
        List<HeldJob> held = [.. _held.Values];
        try
        {
            // One that hangs must not keep the next from a Postgres that is back.
            using var limit = new CancellationTokenSource(RenewEvery, time);
            if (held.Count == 0)
            {
                await ReturnUnknownAsync(limit.Token);
                return;
            }

            var renewed = await leases.ExtendAsync([.. held.Select(h => h.Lease)], limit.Token);
            foreach (var job in held.Where(h => renewed.GetValueOrDefault(h.Lease.Id)))
            {
                // Its run too, where nobody else waits for that.
                job.Queued.Cancel();
            }

            await ReturnUnknownAsync(limit.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException || Outages.IsOfDatabase(exception))
        {
            LogNotRenewed(held.Count, exception.Message);
        }
    }

    private void Report(List<(HeldJob Held, JobResult Result)> mine, IReadOnlyDictionary<Guid, JobState> ended)
    {
        foreach (var (held, result) in mine)
        {
            if (ended.TryGetValue(held.Lease.Id, out var outcome))
            {
                telemetry.Finished(held.Request.Model, held.Request.Version, outcome);
                state.Finished(held.Request, result.ComputeTime, outcome);
            }
            else
            {
                LogLost(held.Lease.Id, held.Lease.Attempt);
            }
        }

        signals.Changed(ended.Keys);
    }

    private static bool IsJob(QueuedRequest request) => request.Request.Kind == RequestKind.Job;

    private async Task<JobOutcome> ToOutcomeAsync((HeldJob Held, JobResult Result) job) => new(
        job.Held.Lease,
        job.Result.Error is null ? JobState.Succeeded : JobState.Failed,
        job.Result.Outputs,
        job.Result.Error,
        job.Result.Status,
        job.Result.BatchSize,
        job.Result.ComputeTime)
    {
        Used = await UsedAsync(job.Held.Request, job.Result),
    };

    // A price that can't be found must not keep a job from its end.
    private async Task<UsedDevice> UsedAsync(InferenceRequest request, JobResult result)
    {
        try
        {
            return await costs.OfAsync(request, result.Outputs);
        }
        catch (Exception exception) when (exception is InvalidDataException || Outages.IsOfDatabase(exception))
        {
            LogUnpriced(exception, request.Id);
            return default;
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Count} jobs could not be claimed and wait in the queue: {Reason}")]
    private partial void LogNotClaimed(int count, string reason);

    [LoggerMessage(LogLevel.Debug, "{Count} jobs of which it is not known whether they were claimed can't be given back yet: {Reason}")]
    private partial void LogNotReturned(int count, string reason);

    [LoggerMessage(LogLevel.Warning, "What job {Job} used could not be told; it counts without a cost")]
    private partial void LogUnpriced(Exception exception, Guid job);

    [LoggerMessage(
        LogLevel.Error, "{Count} jobs could not be finished, also not within {Minutes} minutes of an outage; they will run again")]
    private partial void LogNotFinished(Exception exception, int count, double minutes);

    [LoggerMessage(LogLevel.Warning, "The leases of {Count} jobs could not be renewed: {Reason}")]
    private partial void LogNotRenewed(int count, string reason);

    [LoggerMessage(LogLevel.Warning, "Job {Job} was no longer this worker's when attempt {Attempt} ended; what came of it is dropped")]
    private partial void LogLost(Guid job, int attempt);

    public override void Dispose()
    {
        _returning.Dispose();
        base.Dispose();
    }

    private sealed class HeldJob(JobLease lease, QueuedRequest queued)
    {
        public JobLease Lease { get; } = lease;

        public QueuedRequest Queued { get; } = queued;

        public InferenceRequest Request => Queued.Request;

        public volatile bool Ending;
    }
}
