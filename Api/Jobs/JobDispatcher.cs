using System.Collections.Concurrent;
using System.Threading.Channels;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Jobs;
using Npgsql;

namespace InferenceTemplate.Api.Jobs;

/// <summary>
/// Brings accepted jobs to the queue. It may fail at any time: what does not reach Redis is marked so, and the reconciler
/// brings it there.
/// </summary>
public sealed partial class JobDispatcher(
    RequestQueue queue, JobDeadLetters deadLetters, NpgsqlDataSource dataSource, TimeProvider time, ILogger<JobDispatcher> logger)
    : BackgroundService
{
    private const int Capacity = 2_000;
    private const int MaxAtOnce = 128;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    // A queue that was full is taken to be so for a moment.
    private static readonly TimeSpan FullFor = TimeSpan.FromMilliseconds(100);

    private readonly Channel<QueuedJob> _accepted = Channel.CreateBounded<QueuedJob>(
        new BoundedChannelOptions(Capacity) { SingleReader = true });

    private readonly ConcurrentQueue<Guid> _missed = new();
    private readonly ConcurrentDictionary<QueueName, long> _fullSince = new();

    /// <summary>
    /// Whether jobs of a version are to be offered. Where their queue was full a moment ago they are better written as what the reconciler
    /// has to bring: asking and marking each would cost more than accepting it.
    /// </summary>
    internal bool Takes(QueueName name) => !_fullSince.TryGetValue(name, out var since) || time.GetElapsedTime(since) >= FullFor;

    internal void Offer(QueuedJob job)
    {
        if (!_accepted.Writer.TryWrite(job))
        {
            _missed.Enqueue(job.Request.Id);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await _accepted.Reader.WaitToReadAsync(stoppingToken))
            {
                await Task.WhenAll(Take().GroupBy(job => job.Queue).Select(jobs => EnqueueAsync(jobs.Key, [.. jobs])));
                await MarkMissedAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What is left is in Postgres, and its time in Redis will seem long.
        }
    }

    private IEnumerable<QueuedJob> Take()
    {
        for (var taken = 0; taken < MaxAtOnce && _accepted.Reader.TryRead(out var job); taken++)
        {
            yield return job;
        }
    }

    private async Task EnqueueAsync(QueueName name, List<QueuedJob> jobs)
    {
        IReadOnlyList<EnqueueOutcome> outcomes = [];
        try
        {
            outcomes = await queue.EnqueueJobsAsync(name, jobs);
        }
        catch (Exception)
        {
            // Whatever kept them from the queue: the reconciler puts them there.
        }

        for (var i = 0; i < jobs.Count; i++)
        {
            var outcome = i < outcomes.Count ? outcomes[i] : EnqueueOutcome.Full;
            if (outcome != EnqueueOutcome.Enqueued && !(outcome == EnqueueOutcome.TooLarge && await EndedAsync(jobs[i].Request)))
            {
                _missed.Enqueue(jobs[i].Request.Id);
            }
        }

        if (outcomes is [.., EnqueueOutcome.Full])
        {
            _fullSince[name] = time.GetTimestamp();
        }
    }

    private async Task<bool> EndedAsync(InferenceRequest request)
    {
        try
        {
            await deadLetters.EndAsync(request, "the request is larger than a whole queue may be");
            return true;
        }
        catch (Exception)
        {
            // The reconciler will find the same.
            return false;
        }
    }

    private async Task MarkMissedAsync(CancellationToken stoppingToken)
    {
        List<Guid> ids = [];
        while (_missed.TryDequeue(out var id))
        {
            ids.Add(id);
        }

        if (ids.Count == 0)
        {
            return;
        }

        try
        {
            await using var command = dataSource.CreateCommand("""
                WITH missed AS MATERIALIZED (SELECT id FROM jobs WHERE id = ANY ($1) AND state = 'queued' ORDER BY id FOR UPDATE)
                UPDATE jobs SET queued_at = NULL FROM missed WHERE jobs.id = missed.id
                """);
            command.Parameters.AddWithValue(ids.ToArray());
            await command.ExecuteNonQueryAsync(stoppingToken);
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            // Without the mark they wait for RequeueAfter: slower, not lost.
            LogNotMarked(ids.Count, exception.Message);
            await Task.Delay(RetryAfter, stoppingToken);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Count} jobs that did not reach the queue could not be marked: {Reason}")]
    private partial void LogNotMarked(int count, string reason);
}
