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

    public JobReconciler(
        NpgsqlDataSource dataSource, RequestQueue queue, QueueEpoch epoch, JobDeadLetters deadLetters, JobSignals signals,
        JobTelemetry telemetry, IOptions<JobOptions> options, TimeProvider time, ILogger<JobReconciler> logger)
    {
        _repairs = new JobRepairs(dataSource, options);
        (_dataSource, _queue, _epoch, _deadLetters, _signals, _telemetry) = (dataSource, queue, epoch, deadLetters, signals, telemetry);
        (_options, _time, _logger) = (options.Value, time, logger);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(_options.ReconcileInterval, ReconcileAsync, _time, _logger, stoppingToken);

    /// <summary>One pass; false where another replica is at it.</summary>
    public async Task<bool> ReconcileAsync(CancellationToken cancellationToken)
    {
        await using var lead = await LeaderLock.TryTakeAsync(_dataSource, "jobs.reconciler", cancellationToken);
        if (lead is null)
        {
            _telemetry.Pending([]);
            return false;
        }

        Report(await _repairs.EndLostAsync(cancellationToken));
        Report(await _repairs.EndLateAsync(cancellationToken));
        await _repairs.ExpireAsync(cancellationToken);
        await CountAsync(cancellationToken);
        await RequeueAsync(await _epoch.SinceAsync(lead.Since), cancellationToken);
        return true;
    }

    private async Task RequeueAsync(DateTimeOffset epoch, CancellationToken cancellationToken)
    {
        // A model whose queue is full is left for the next pass, and holds up no other.
        var full = new HashSet<string>(StringComparer.Ordinal);
        var requeued = 0;
        while (requeued < _options.ReconcileBatch)
        {
            var missing = await _repairs.MissingAsync(epoch, full, _options.ReconcileBatch - requeued, cancellationToken);
            if (missing.Count == 0)
            {
                break;
            }

            foreach (var jobs in missing.GroupBy(job => job.Queue).Select(g => g.ToList()))
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
                        await _deadLetters.EndAsync(
                            jobs[i].Request.Id, "the request is larger than a whole queue may be", cancellationToken);
                    }
                    else
                    {
                        full.Add(jobs[0].Queue.ToString());
                    }
                }

                // Before the next queue, which may be out of reach: what is marked is not queued once more.
                await _repairs.RequeuedAsync(queued, cancellationToken);
                requeued += queued.Count;
            }
        }

        if (requeued > 0)
        {
            _telemetry.Requeued(requeued);
            LogRequeued(requeued);
        }
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

    [LoggerMessage(LogLevel.Warning, "Job {Job} of {Model}/{Version} was neither run nor finished in time; it is {State} now")]
    private partial void LogMoved(Guid job, string model, string version, string state);

    [LoggerMessage(LogLevel.Information, "{Count} jobs that the queue did not hold were put there")]
    private partial void LogRequeued(int count);
}
