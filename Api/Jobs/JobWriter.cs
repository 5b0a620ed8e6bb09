using System.Diagnostics;
using System.Threading.Channels;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.Jobs;

/// <summary>
/// Accepts jobs: each caller waits for the commit of its own row, and all that came while the last commit was under way share
/// the next one.
/// </summary>
public sealed partial class JobWriter : BackgroundService
{
    // More would be one long statement during which nobody else is answered.
    private const long MaxGroupBytes = 16L << 20;

    private static readonly TimeSpan RetryFor = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(100);

    private readonly JobInsert _insert;
    private readonly PendingJobs _pending;
    private readonly JobDispatcher _dispatcher;
    private readonly JobTelemetry _telemetry;
    private readonly JobOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<JobWriter> _logger;
    private readonly Channel<Waiting> _waiting;
    private long _bytes;

    public JobWriter(
        NpgsqlDataSource dataSource, PendingJobs pending, JobDispatcher dispatcher, JobTelemetry telemetry,
        IOptions<JobOptions> options, TimeProvider time, ILogger<JobWriter> logger)
    {
        _insert = new JobInsert(dataSource);
        (_pending, _dispatcher, _telemetry, _options, _time, _logger) = (pending, dispatcher, telemetry, options.Value, time, logger);
        _waiting = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(_options.WriteBacklog) { SingleReader = true });
    }

    /// <summary>
    /// Returns once the job is committed, or is known not to be. After an exception that is unknown: a repetition is safe with
    /// an idempotency key.
    /// </summary>
    /// <exception cref="NpgsqlException">Postgres is away or refused.</exception>
    public async Task<JobAcceptance> AcceptAsync(NewJob job, CancellationToken cancellationToken)
    {
        if (!await _pending.HasRoomAsync(job.TenantId, cancellationToken))
        {
            // A repetition takes no room.
            return await _insert.FindAsync(job, cancellationToken) ?? new(JobAcceptanceOutcome.TooManyPending);
        }

        var waiting = new Waiting(Prepare(job), cancellationToken);
        if (Interlocked.Add(ref _bytes, waiting.Job.Encoded.Length) > _options.WriteBacklogBytes || !_waiting.Writer.TryWrite(waiting))
        {
            Interlocked.Add(ref _bytes, -waiting.Job.Encoded.Length);
            return new(JobAcceptanceOutcome.Busy);
        }

        return await waiting.Done.Task.WaitAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Ends when StopAsync has closed the channel and it is empty: who waits for a commit gets it.
        while (await _waiting.Reader.WaitToReadAsync(CancellationToken.None))
        {
            var group = Take();
            if (group.Count > 0)
            {
                await WriteAsync(group);
            }
        }
    }

    public override Task StopAsync(CancellationToken cancellationToken)
    {
        _waiting.Writer.TryComplete();
        return base.StopAsync(cancellationToken);
    }

    private UnwrittenJob Prepare(NewJob job)
    {
        var timeout = job.Timeout ?? _options.DefaultTimeout;
        timeout = timeout < _options.MaxTimeout ? timeout : _options.MaxTimeout;

        // Whole microseconds: what Postgres keeps of a time, so that it reads the same ever after.
        var now = _time.GetUtcNow();
        now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        var request = new InferenceRequest(
            Guid.CreateVersion7(now), job.Model, job.Version, job.TenantId, RequestKind.Job, job.Priority, ReplyTo: "", now, now + timeout,
            Activity.Current?.Id, Activity.Current?.TraceStateString, job.RequestedOutputs, job.Inputs);
        var encoded = RequestCodec.Encode(request);

        // From here on the tensors are slices of what is stored, whatever becomes of the caller's.
        var stored = new QueuedJob(RequestCodec.Decode(encoded), encoded);
        return new UnwrittenJob(job with { Inputs = [] }, stored, _dispatcher.Takes(stored.Queue));
    }

    private JobFacts FactsOf(UnwrittenJob job) => new(
        job.Request.Id, job.Job.Model, job.Job.Version, job.Job.Priority, JobState.Queued, Attempt: 0, _options.MaxAttempts, Progress: 0,
        CancelRequested: false, job.Job.RequestId, Error: null, ErrorStatus: null, job.Request.EnqueuedAt, StartedAt: null,
        FinishedAt: null,
        job.Request.Deadline, ExpiresAt: null)
    {
        Tenant = job.Job.TenantId,
        TraceId = job.Request.TraceId,
    };

    private List<Waiting> Take()
    {
        var group = new List<Waiting>();
        long bytes = 0;
        while (group.Count < _options.WriteBatch && bytes < MaxGroupBytes && _waiting.Reader.TryRead(out var next))
        {
            Interlocked.Add(ref _bytes, -next.Job.Encoded.Length);
            if (!next.Cancellation.IsCancellationRequested)
            {
                group.Add(next);
                bytes += next.Job.Encoded.Length;
            }
        }

        return group;
    }

    private async Task WriteAsync(List<Waiting> group)
    {
        var start = _time.GetTimestamp();
        while (true)
        {
            try
            {
                var outcomes = await _insert.WriteAsync([.. group.Select(w => w.Job)], _options.MaxAttempts, CancellationToken.None);
                _telemetry.Committed(group.Count);
                for (var i = 0; i < group.Count; i++)
                {
                    Answer(group[i], outcomes[i]);
                }

                return;
            }
            catch (Exception exception) when (Outages.IsDatabaseAway(exception) && _time.GetElapsedTime(start) < RetryFor)
            {
                await Task.Delay(RetryAfter, _time, CancellationToken.None);
            }
            catch (PostgresException exception) when (!exception.IsTransient && group.Count > 1)
            {
                // One row that Postgres does not take must not refuse its neighbours.
                LogSplitting(exception, group.Count);
                foreach (var waiting in group)
                {
                    await WriteAsync([waiting]);
                }

                return;
            }
            catch (Exception exception)
            {
                LogNotWritten(group.Count, exception.Message);
                group.ForEach(w => w.Done.TrySetException(exception));
                return;
            }
        }
    }

    private void Answer(Waiting waiting, JobAcceptance acceptance)
    {
        if (acceptance.Outcome == JobAcceptanceOutcome.Accepted)
        {
            _pending.Added(waiting.Job.Job.TenantId);
            if (waiting.Job.IsOffered)
            {
                _dispatcher.Offer(waiting.Job.Stored);
            }

            acceptance = acceptance with { Job = FactsOf(waiting.Job) };
        }

        waiting.Done.TrySetResult(acceptance);
    }

    [LoggerMessage(LogLevel.Warning, "Postgres refused a group of {Count} jobs; each is now written alone")]
    private partial void LogSplitting(Exception exception, int count);

    [LoggerMessage(LogLevel.Warning, "{Count} jobs could not be accepted: {Reason}")]
    private partial void LogNotWritten(int count, string reason);

    private sealed record Waiting(UnwrittenJob Job, CancellationToken Cancellation)
    {
        public TaskCompletionSource<JobAcceptance> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
