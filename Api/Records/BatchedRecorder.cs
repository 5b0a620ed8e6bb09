using System.Threading.Channels;
using Npgsql;

namespace InferenceTemplate.Api.Records;

/// <summary>
/// Writes records in batches beside the hot path. Recording never waits: when Postgres can't keep up, the newest records
/// are shed and counted.
/// </summary>
internal abstract partial class BatchedRecorder<T>(int capacity, string what, ILogger logger, int maxBatch = 1_000) : BackgroundService
{
    private static readonly TimeSpan GatherFor = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastFlush = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = logger;

    private readonly Channel<T> _records = Channel.CreateBounded<T>(new BoundedChannelOptions(capacity) { SingleReader = true });

    // Taken from the channel and not yet written: what a stop in the middle of an outage must still flush.
    private List<T> _inFlight = [];

    public void Record(T record)
    {
        if (!_records.Writer.TryWrite(record))
        {
            Shed(1);
        }
    }

    /// <summary>Writes all or none.</summary>
    protected abstract Task WriteAsync(IReadOnlyCollection<T> records, CancellationToken cancellationToken);

    /// <summary>Counts records that are lost.</summary>
    protected abstract void Shed(int records);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await _records.Reader.WaitToReadAsync(stoppingToken))
            {
                await Task.Delay(GatherFor, stoppingToken);
                await WriteNextAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What is left is flushed in StopAsync, once requests have ended.
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        _records.Writer.Complete();
        using var limit = new CancellationTokenSource(LastFlush);
        try
        {
            while (await WriteNextAsync(limit.Token))
            {
                // Until nothing is left.
            }
        }
        catch (OperationCanceledException)
        {
            LogNotFlushed(what);
        }
    }

    private async Task<bool> WriteNextAsync(CancellationToken cancellationToken)
    {
        while (_inFlight.Count < maxBatch && _records.Reader.TryRead(out var record))
        {
            _inFlight.Add(record);
        }

        while (_inFlight.Count > 0)
        {
            try
            {
                await WriteAsync(_inFlight, cancellationToken);
                _inFlight = [];
                return true;
            }
            catch (PostgresException exception) when (!exception.IsTransient)
            {
                // These rows will never be accepted; holding on to them would hold up all that follow.
                LogRefused(exception, _inFlight.Count, what);
                Shed(_inFlight.Count);
                _inFlight = [];
                return true;
            }
            catch (NpgsqlException exception)
            {
                LogWaiting(what, exception.Message);
                await Task.Delay(RetryAfter, cancellationToken);
            }
        }

        return false;
    }

    [LoggerMessage(LogLevel.Warning, "The {What} can't be written now, trying again in a second: {Reason}")]
    private partial void LogWaiting(string what, string reason);

    [LoggerMessage(LogLevel.Error, "{Count} of the {What} were refused by Postgres")]
    private partial void LogRefused(Exception exception, int count, string what);

    [LoggerMessage(LogLevel.Error, "The last {What} could not be written before stopping")]
    private partial void LogNotFlushed(string what);
}
