using InferenceTemplate.Core;
using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>Takes batches that wait, or whose replica was lost, and runs them beside each other; and has old ones swept away.</summary>
internal sealed partial class BatchRunner(
    BatchLeases leases, BatchSweep sweep, BatchLineCall call, QueueEpoch epoch, JobSignals signals, BatchTelemetry telemetry,
    IOptions<BatchOptions> options, IOptions<QueueOptions> queue, TimeProvider time, ILogger<BatchRunner> logger) : BackgroundService
{
    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(2);

    private readonly List<Task> _running = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await PeriodicLoop.RunAsync(options.Value.PollInterval, PassAsync, time, logger, stoppingToken);
        await Task.WhenAll(_running);

        async Task PassAsync(CancellationToken cancellationToken)
        {
            await sweep.RunAsync(cancellationToken);
            await TakeAsync(cancellationToken);
        }
    }

    private async Task TakeAsync(CancellationToken stoppingToken)
    {
        _running.RemoveAll(task => task.IsCompleted);
        while (_running.Count < options.Value.RunningPerReplica && await leases.ClaimAsync(stoppingToken) is { } lease)
        {
            _running.Add(RunAsync(lease, stoppingToken));
        }
    }

    private async Task RunAsync(BatchLease lease, CancellationToken stoppingToken)
    {
        telemetry.Running(1);
        signals.Changed([lease.Id]);
        try
        {
            // A line may take as long as a request may.
            var (stall, longest) = (options.Value.StallAfter, queue.Value.MaxTimeout * 2);
            using var run = new BatchRun(
                lease, leases, call, epoch, signals, telemetry, options.Value, stall > longest ? stall : longest, time, logger);
            await run.RunAsync(stoppingToken);

            // Of no effect where it has ended, or is another's by now.
            using var limit = new CancellationTokenSource(ReleaseLimit);
            await leases.ReleaseAsync(lease, limit.Token);
        }
        catch (Exception exception)
        {
            // Its lease runs out, and somebody begins again with what is not written down.
            LogBroken(exception, lease.Id);
        }
        finally
        {
            telemetry.Running(-1);
        }
    }

    [LoggerMessage(LogLevel.Error, "The run of batch {Batch} broke off; it goes on when its lease has run out")]
    private partial void LogBroken(Exception exception, Guid batch);
}
