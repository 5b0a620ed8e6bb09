using System.Threading.Channels;
using InferenceTemplate.Data;
using Npgsql;

namespace InferenceTemplate.Api.Records;

/// <summary>
/// Writes records in batches beside the hot path. Recording never waits: when Postgres can't keep up, the newest records
/// are shed and counted. So is a record that Postgres refuses for what it holds, alone.
/// </summary>
internal abstract partial class BatchedRecorder<T>(int capacity, string what, ILogger logger, int maxBatch = 1_000) : BackgroundService
{
    // Classes of errors in Postgres's manual, appendix A.
    private const string DataException = "22";
    private const string IntegrityViolation = "23";
    private const string LimitExceeded = "54";

    private static readonly TimeSpan GatherFor = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastFlush = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = logger;

    private readonly Channel<T> _records = Channel.CreateBounded<T>(new BoundedChannelOptions(capacity) { SingleReader = true });

    // Taken from the channel and not yet written: what a stop in the middle of an outage must still flush.
    private readonly List<T> _inFlight = [];

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

        if (_inFlight.Count == 0)
        {
            return false;
        }

        var (refused, reason) = (0, (Exception?)null);
        var mayBeWritten = false;
        for (var next = _inFlight.Count; _inFlight.Count > 0;)
        {
            next = Math.Min(next, _inFlight.Count);
            try
            {
                await WriteAsync(_inFlight[..next], cancellationToken);
                (next, mayBeWritten) = (Done(next) * 2, false);
            }
            catch (PostgresException exception) when (mayBeWritten && exception.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                // They were committed the time before, and the connection broke before it said so.
                (next, mayBeWritten) = (Done(next) * 2, false);
            }
            catch (Exception exception) when (IsOfTheRows(exception))
            {
                // Only those that will never be accepted are given up, and none that stand beside them.
                reason = exception;
                refused += next == 1 ? Done(1) : 0;
                next = Math.Max(1, next / 2);
            }
            catch (Exception exception) when (Outages.IsOfDatabase(exception))
            {
                mayBeWritten |= exception is not PostgresException;
                LogWaiting(what, exception.Message);
                await Task.Delay(RetryAfter, cancellationToken);
            }
        }

        if (refused > 0)
        {
            LogRefused(reason!, refused, what);
            Shed(refused);
        }

        return true;
    }

    private int Done(int records)
    {
        _inFlight.RemoveRange(0, records);
        return records;
    }

    // What else a server refuses, it refuses in the state that it is in: one that takes no writes yet, or that ended the statement. What
    // never came to it, and no stop ended, can't be written: half a surrogate pair.
    private static bool IsOfTheRows(Exception exception) => exception is PostgresException refusal
        ? refusal.SqlState[..2] is DataException or IntegrityViolation or LimitExceeded
        : exception is not OperationCanceledException && !Outages.IsOfDatabase(exception);

    [LoggerMessage(LogLevel.Warning, "The {What} can't be written now, trying again in a second: {Reason}")]
    private partial void LogWaiting(string what, string reason);

    [LoggerMessage(LogLevel.Error, "{Count} of the {What} were refused by Postgres")]
    private partial void LogRefused(Exception exception, int count, string what);

    [LoggerMessage(LogLevel.Error, "The last {What} could not be written before stopping")]
    private partial void LogNotFlushed(string what);
}
