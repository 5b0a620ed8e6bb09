using InferenceTemplate.Core;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Jobs;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.Jobs;

/// <summary>
/// Looks, on one Api replica at a time, for jobs that were lost on their way and puts them right. Whatever it does twice is
/// harmless, since a job is claimed once.
/// </summary>
public sealed partial class JobReconciler : BackgroundService
{
    private static readonly TimeSpan ShortestHang = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CountEvery = TimeSpan.FromSeconds(5);

    private readonly NpgsqlDataSource _dataSource;
    private readonly JobRepairs _repairs;
    private readonly RequestQueue _queue;
    private readonly QueueEpoch _epoch;
    private readonly JobDeadLetters _deadLetters;
    private readonly JobSignals _signals;
    private readonly JobTelemetry _telemetry;
    private readonly JobOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<JobReconciler> _logger;
    private long? _countedAt;

    // Null before the first answer, and since one that did not come.
    private long? _answersSince;

    // The last time by Postgres' clock, and by this process' own.
    private (DateTimeOffset Theirs, long Ours)? _last;

    public JobReconciler(
        NpgsqlDataSource dataSource, RequestQueue queue, QueueEpoch epoch, JobDeadLetters deadLetters, JobSignals signals,
        JobTelemetry telemetry, IOptions<JobOptions> options, TimeProvider time, ILogger<JobReconciler> logger)
    {
        _repairs = new JobRepairs(dataSource, options);
        (_dataSource, _queue, _epoch, _deadLetters, _signals, _telemetry) = (dataSource, queue, epoch, deadLetters, signals, telemetry);
        (_options, _time, _logger) = (options.Value, time, logger);
    }

    // An answer that takes so long is none: whoever wanted to extend a lease meanwhile had to wait as well.
    private TimeSpan Hang => _options.Lease / 3 > ShortestHang ? _options.Lease / 3 : ShortestHang;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(_options.ReconcileInterval, ReconcileAsync, _time, _logger, stoppingToken);

    /// <summary>One pass; false where another replica is at it.</summary>
    public async Task<bool> ReconcileAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await PassAsync(cancellationToken);
        }
        catch (Exception exception) when (Outages.IsOfDatabase(exception))
        {
            _answersSince = null;
            throw;
        }
    }

    private async Task<bool> PassAsync(CancellationToken cancellationToken)
    {
        var asked = _time.GetTimestamp();
        await using var lead = await LeaderLock.TryTakeAsync(_dataSource, "jobs.reconciler", cancellationToken);
        if (_answersSince is null || _time.GetElapsedTime(asked) > Hang || HasLeapt(lead, asked))
        {
            _answersSince = _time.GetTimestamp();
        }

        if (lead is null)
        {
            _telemetry.Pending([]);
            return false;
        }

        // While Postgres was away nobody could extend a lease, and whether it was is not known before it has answered for a while. A live
        // worker extends its leases three times in as long as one lasts.
        if (_time.GetElapsedTime(_answersSince.Value) >= _options.Lease)
        {
            Report(await _repairs.EndLostAsync(cancellationToken));
        }

        Report(await _repairs.EndGoneAsync(cancellationToken));
        Report(await _repairs.EndLateAsync(cancellationToken));
        await _repairs.ExpireAsync(cancellationToken);
        await CountAsync(cancellationToken);
        await RequeueAsync(await _epoch.SinceAsync(() => _dataSource.NowAsync(cancellationToken)), cancellationToken);
        return true;
    }

    // Leases end by Postgres' clock: where that was set on, or a standby with another took over, live workers have yet to extend theirs.
    private bool HasLeapt(LeaderLock? lead, long asked)
    {
        if (lead is null)
        {
            _last = null;
            return false;
        }

        var leapt = _last is { } last && lead.Since - last.Theirs > _time.GetElapsedTime(last.Ours) + Hang;
        _last = (lead.Since, asked);
        return leapt;
    }

    private async Task RequeueAsync(DateTimeOffset epoch, CancellationToken cancellationToken)
    {
        // A model whose queue is full is left for the next pass, and holds up no other.
        var full = new HashSet<string>(StringComparer.Ordinal);
        var entries = new Dictionary<QueueName, HashSet<Guid>>();
        var (requeued, held) = (0, 0);
        while (requeued + held < _options.ReconcileBatch)
        {
            var missing = await _repairs.MissingAsync(epoch, full, _options.ReconcileBatch - requeued - held, cancellationToken);
            if (missing.Count == 0)
            {
                break;
            }

            foreach (var group in missing.GroupBy(missed => missed.Job.Queue).Select(g => g.ToList()))
            {
                var queue = group[0].Job.Queue;
                if (group.Exists(missed => missed.MayBeThere))
                {
                    if (!entries.TryGetValue(queue, out var there))
                    {
                        there = entries[queue] = [.. await _queue.JobsAsync(queue)];
                    }

                    bool IsThere(MissingJob missed) => missed.MayBeThere && there.Contains(missed.Job.Request.Id);
                    await _repairs.RequeuedAsync([.. group.Where(IsThere).Select(missed => missed.Job.Request.Id)], cancellationToken);
                    held += group.RemoveAll(IsThere);
                }

                if (group.Count > 0)
                {
                    var queued = await EnqueueAsync([.. group.Select(missed => missed.Job)], full, cancellationToken);
                    entries.GetValueOrDefault(queue)?.UnionWith(queued);
                    requeued += queued.Count;
                }
            }
        }

        if (requeued > 0)
        {
            _telemetry.Requeued(requeued);
            LogRequeued(requeued);
        }
    }

    private async Task<List<Guid>> EnqueueAsync(List<QueuedJob> jobs, HashSet<string> full, CancellationToken cancellationToken)
    {
        List<Guid> queued = [];
        var outcomes = await _queue.EnqueueJobsAsync(jobs[0].Queue, jobs);
        for (var i = 0; i < outcomes.Count; i++)
        {
            if (outcomes[i] == EnqueueOutcome.Enqueued)
            {
                queued.Add(jobs[i].Request.Id);
            }
            else if (outcomes[i] == EnqueueOutcome.TooLarge)
            {
                await _deadLetters.EndAsync(jobs[i].Request, "the request is larger than a whole queue may be", cancellationToken);
            }
            else
            {
                full.Add(jobs[0].Queue.ToString());
            }
        }

        // Before the next queue, which may be out of reach: what is marked is not queued once more.
        await _repairs.RequeuedAsync(queued, cancellationToken);
        return queued;
    }

    private async Task CountAsync(CancellationToken cancellationToken)
    {
        if (_countedAt is null || _time.GetElapsedTime(_countedAt.Value) >= CountEvery)
        {
            _telemetry.Pending(await _repairs.CountPendingAsync(cancellationToken));
            _countedAt = _time.GetTimestamp();
        }
    }

    private void Report(List<MovedJob> moved)
    {
        foreach (var job in moved)
        {
            LogMoved(job.Id, job.Model, job.Version, job.State.Name());
            if (job.State.IsTerminal())
            {
                _telemetry.Finished(job.Model, job.Version, job.State);
            }
        }

        _signals.Changed(moved.Select(job => job.Id));
    }

    [LoggerMessage(LogLevel.Warning, "Job {Job} of {Model}/{Version} was lost, late or of a version that is deleted; it is {State} now")]
    private partial void LogMoved(Guid job, string model, string version, string state);

    [LoggerMessage(LogLevel.Information, "{Count} jobs that the queue did not hold were put there")]
    private partial void LogRequeued(int count);
}
