using System.Diagnostics;
using System.Threading.Channels;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>
/// One replica's run of one batch: lines are read, called and written down as they end, so many at a time, until none is left or the
/// lease is lost. Whoever goes on after this one begins with what is not written down.
/// </summary>
/// <param name="stallAfter">How long a run goes on none of whose lines ends.</param>
internal sealed partial class BatchRun(
    BatchLease lease, BatchLeases leases, BatchLineCall call, QueueEpoch epoch, JobSignals signals, BatchTelemetry telemetry,
    BatchOptions options,
    TimeSpan stallAfter, TimeProvider time, ILogger logger) : IDisposable
{
    private const int PageLines = 32;

    // Of the answers that are written down together: Postgres takes no message of 1 GiB.
    private const long StatementBytes = 16L << 20;

    private static readonly TimeSpan OutageWait = TimeSpan.FromMilliseconds(250);

    private readonly Channel<EndedBatchLine> _ended = Channel.CreateUnbounded<EndedBatchLine>(new() { SingleReader = true });
    private readonly SemaphoreSlim _slots = new(options.Concurrency);
    private CancellationTokenSource _queueLives = new();
    private long _progressAt = time.GetTimestamp();

    /// <summary>Runs until the batch has ended, or can't be gone on with here: then it may be given back.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var held = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var renewing = RenewAsync(held);
        var reading = ReadAsync(held.Token);
        try
        {
            if (!await RecordAsync(held.Token))
            {
                LogLost(lease.Id, lease.Attempt);
                return;
            }

            await reading;
            if (await StoredAsync(cancellation => leases.CompleteAsync(lease, cancellation), held.Token))
            {
                signals.Changed([lease.Id]);
            }
        }
        catch (OperationCanceledException) when (held.IsCancellationRequested)
        {
            // Lost, cancelled, expired, or this replica stops.
        }
        finally
        {
            await held.CancelAsync();
            await Task.WhenAll(renewing, reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Also tells by the fence when the batch was cancelled, and by the queue's mark when requests were lost with its data.
    private async Task RenewAsync(CancellationTokenSource held)
    {
        DateTimeOffset? since = null;
        using var timer = new PeriodicTimer(options.PollInterval < options.Lease / 3 ? options.PollInterval : options.Lease / 3, time);
        try
        {
            do
            {
                try
                {
                    if (!await leases.ExtendAsync(lease, held.Token)
                        || time.GetElapsedTime(Interlocked.Read(ref _progressAt)) >= stallAfter)
                    {
                        await held.CancelAsync();
                        return;
                    }

                    var mark = await epoch.SinceAsync(() => leases.NowAsync(held.Token));
                    if (since is not null && since != mark)
                    {
                        await Interlocked.Exchange(ref _queueLives, new()).CancelAsync();
                    }

                    since = mark;
                }
                catch (Exception exception) when (Outages.IsDatabaseAway(exception) || Outages.IsQueueAway(exception))
                {
                    // What has ended meanwhile is written if the lease is still this one's.
                }
            }
            while (await timer.WaitForNextTickAsync(held.Token));
        }
        catch (OperationCanceledException) when (held.IsCancellationRequested)
        {
            // The run is over.
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        List<Task> running = [];
        try
        {
            var after = 0;
            while (true)
            {
                var from = after;
                var page = await StoredAsync(cancellation => leases.PendingAsync(lease, from, PageLines, cancellation), cancellationToken);
                if (page.Count == 0)
                {
                    break;
                }

                foreach (var line in page)
                {
                    await _slots.WaitAsync(cancellationToken);
                    running.RemoveAll(task => task.IsCompleted);
                    running.Add(CallAsync(line, cancellationToken));
                }

                after = page[^1].Number;
            }
        }
        finally
        {
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _ended.Writer.Complete();
        }
    }

    private async Task CallAsync(PendingBatchLine line, CancellationToken cancellationToken)
    {
        // Of the trace that sent the batch, however long ago and whichever replica runs it.
        using var span = ActivityContext.TryParse(lease.TraceParent, traceState: null, isRemote: true, out var sent)
            ? BatchTelemetry.Source.StartActivity("batch line", ActivityKind.Internal, sent)
            : null;
        span?.SetTag("inference.batch.id", lease.Id).SetTag("inference.batch.line", line.Number);
        try
        {
            _ended.Writer.TryWrite(await call.RunAsync(line, lease.Owner, () => _queueLives.Token, cancellationToken));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // It stays as it was.
        }
        catch (Exception exception)
        {
            // One line that nobody was prepared for must not keep the others from ending.
            LogUnexpected(exception, line.Number, lease.Id);
            _ended.Writer.TryWrite(
                new(line.Number, null, "the service failed in a way it did not expect", StatusCodes.Status500InternalServerError));
        }
    }

    // Whatever has ended since the last writing goes with the next; a line's place is free when it is written. False where the lease
    // was lost.
    private async Task<bool> RecordAsync(CancellationToken cancellationToken)
    {
        var group = new List<EndedBatchLine>();
        while (await _ended.Reader.WaitToReadAsync(cancellationToken))
        {
            for (var bytes = 0L; bytes < StatementBytes && _ended.Reader.TryRead(out var line); bytes += line.Result?.Length ?? 0)
            {
                group.Add(line);
            }

            if (!await StoredAsync(cancellation => leases.RecordAsync(lease, group, cancellation), cancellationToken))
            {
                return false;
            }

            telemetry.Ended("completed", group.Count(line => line.Result is not null));
            telemetry.Ended("failed", group.Count(line => line.Result is null));
            Interlocked.Exchange(ref _progressAt, time.GetTimestamp());
            _slots.Release(group.Count);
            group.Clear();
            signals.Changed([lease.Id]);
        }

        return true;
    }

    private async Task<T> StoredAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await work(cancellationToken);
            }
            catch (Exception exception) when (Outages.IsDatabaseAway(exception) && !cancellationToken.IsCancellationRequested)
            {
                await Task.Delay(OutageWait, time, cancellationToken);
            }
        }
    }

    public void Dispose()
    {
        _slots.Dispose();
        _queueLives.Dispose();
    }

    [LoggerMessage(LogLevel.Error, "Line {Line} of batch {Batch} failed in an unexpected way")]
    private partial void LogUnexpected(Exception exception, int line, Guid batch);

    [LoggerMessage(
        LogLevel.Information, "Batch {Batch} is no longer run here (attempt {Attempt}): it was cancelled, has expired, or another replica has it")]
    private partial void LogLost(Guid batch, int attempt);
}
