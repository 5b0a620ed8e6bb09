using InferenceTemplate.Core;
using InferenceTemplate.Data;
using Npgsql;

namespace InferenceTemplate.Api.Drift;

/// <summary>
/// Makes windows of the samples and writes them, each second and when the process stops. While Postgres is away windows wait, the newest
/// 2,048 of them; requests never do.
/// </summary>
internal sealed partial class DriftGathering(
    DriftSampler sampler, DriftStore store, Telemetry telemetry, TimeProvider time, ILogger<DriftGathering> logger) : BackgroundService
{
    public const int MaxWaiting = 2_048;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastFlush = TimeSpan.FromSeconds(5);

    private readonly DriftWindows _windows = new(time);
    private readonly List<DriftWindow> _finished = [];

    // So many of the first ones may be written: the connection broke before Postgres said so.
    private int _unsure;

    /// <summary>One round.</summary>
    /// <param name="stops">Whether it is the last one.</param>
    public async Task GatherAsync(bool stops, CancellationToken cancellationToken)
    {
        while (sampler.Samples.TryRead(out var sample))
        {
            if (!_windows.Add(sample, _finished))
            {
                telemetry.DriftDropped(sample.Model, sample.Version, 1);
            }
        }

        _finished.AddRange(_windows.TakeDue(stops));
        if (_finished.Count == 0)
        {
            return;
        }

        try
        {
            if (_unsure > 0)
            {
                await WriteAsync(_unsure, cancellationToken);
            }

            await WriteAsync(_finished.Count, cancellationToken);
        }
        finally
        {
            Drop(_finished.Count - MaxWaiting);
        }
    }

    private async Task WriteAsync(int count, CancellationToken cancellationToken)
    {
        try
        {
            await store.WriteAsync(_finished[..count], cancellationToken);
            Remove(count);
        }
        catch (PostgresException exception) when (_unsure > 0 && exception.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            Remove(count);
        }
        catch (PostgresException exception) when (!exception.IsTransient)
        {
            // These will never be taken; holding on to them would hold up all that follow.
            LogRefused(exception, count);
            Drop(count);
        }
        catch (Exception exception) when (exception is not PostgresException)
        {
            _unsure = count;
            throw;
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(Interval, token => GatherAsync(stops: false, token), time, logger, stoppingToken);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var limit = new CancellationTokenSource(LastFlush);
        try
        {
            await GatherAsync(stops: true, limit.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException || Outages.IsDatabaseAway(exception))
        {
            LogNotFlushed(_finished.Count);
        }
    }

    private void Drop(int count)
    {
        foreach (var window in _finished.Take(count))
        {
            telemetry.DriftDropped(window.Model, window.Version, window.Requests);
        }

        Remove(Math.Max(0, count));
    }

    private void Remove(int count)
    {
        _finished.RemoveRange(0, count);
        _unsure = Math.Max(0, _unsure - count);
    }

    [LoggerMessage(LogLevel.Error, "{Count} windows of drift were refused by Postgres")]
    private partial void LogRefused(Exception exception, int count);

    [LoggerMessage(LogLevel.Warning, "The last {Count} windows of drift could not be written before stopping")]
    private partial void LogNotFlushed(int count);
}
