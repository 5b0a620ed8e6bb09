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
    RequestQueue queue, JobDeadLetters deadLetters, NpgsqlDataSource dataSource, ILogger<JobDispatcher> logger) : BackgroundService
{
    private const int Capacity = 2_000;
    private const int MaxAtOnce = 128;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Channel<InferenceRequest> _accepted = Channel.CreateBounded<InferenceRequest>(
        new BoundedChannelOptions(Capacity) { SingleReader = true });

    private readonly ConcurrentQueue<Guid> _missed = new();

    internal void Offer(InferenceRequest request)
    {
        if (!_accepted.Writer.TryWrite(request))
        {
            _missed.Enqueue(request.Id);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await _accepted.Reader.WaitToReadAsync(stoppingToken))
            {
                await Task.WhenAll(Take().Select(EnqueueAsync));
                await MarkMissedAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What is left is in Postgres, and its time in Redis will seem long.
        }
    }

    private IEnumerable<InferenceRequest> Take()
    {
        for (var taken = 0; taken < MaxAtOnce && _accepted.Reader.TryRead(out var request); taken++)
        {
            yield return request;
        }
    }

    private async Task EnqueueAsync(InferenceRequest request)
    {
        try
        {
            var outcome = (await queue.EnqueueAsync(request)).Outcome;
            if (outcome == EnqueueOutcome.TooLarge)
            {
                await deadLetters.EndAsync(request.Id, "the request is larger than a whole queue may be");
            }
            else if (outcome != EnqueueOutcome.Enqueued)
            {
                _missed.Enqueue(request.Id);
            }
        }
        catch (Exception)
        {
            // Whatever kept it from the queue: the reconciler puts it there.
            _missed.Enqueue(request.Id);
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
