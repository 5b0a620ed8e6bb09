using System.Threading.Channels;
using InferenceTemplate.Inference.Store;
using Npgsql;

namespace InferenceTemplate.Api.Predictions;

/// <summary>
/// Writes prediction records in batches beside the hot path. Recording never waits: when Postgres can't keep up, the
/// newest records are shed and counted.
/// </summary>
internal sealed partial class PredictionRecorder(PredictionWriter writer, Telemetry telemetry, ILogger<PredictionRecorder> logger)
    : BackgroundService
{
    private const int Capacity = 20_000;
    private const int MaxBatch = 1_000;

    private static readonly TimeSpan GatherFor = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastFlush = TimeSpan.FromSeconds(5);

    private readonly Channel<Prediction> _records = Channel.CreateBounded<Prediction>(
        new BoundedChannelOptions(Capacity) { SingleReader = true });

    // Taken from the channel and not yet written: what a stop in the middle of an outage must still flush.
    private List<Prediction> _inHand = [];

    public void Record(Prediction prediction)
    {
        if (!_records.Writer.TryWrite(prediction))
        {
            telemetry.Shed(1);
        }
    }

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
            LogNotFlushed();
        }
    }

    private async Task<bool> WriteNextAsync(CancellationToken cancellationToken)
    {
        while (_inHand.Count < MaxBatch && _records.Reader.TryRead(out var prediction))
        {
            _inHand.Add(prediction);
        }

        while (_inHand.Count > 0)
        {
            try
            {
                await writer.WriteAsync(_inHand, cancellationToken);
                _inHand = [];
                return true;
            }
            catch (PostgresException exception) when (!exception.IsTransient)
            {
                // These rows will never be accepted; holding on to them would hold up all that follow.
                LogRefused(exception, _inHand.Count);
                telemetry.Shed(_inHand.Count);
                _inHand = [];
                return true;
            }
            catch (NpgsqlException exception)
            {
                LogWaiting(exception.Message);
                await Task.Delay(RetryAfter, cancellationToken);
            }
        }

        return false;
    }

    [LoggerMessage(LogLevel.Warning, "Prediction records can't be written now, trying again in a second: {Reason}")]
    private partial void LogWaiting(string reason);

    [LoggerMessage(LogLevel.Error, "{Count} prediction records were refused by Postgres")]
    private partial void LogRefused(Exception exception, int count);

    [LoggerMessage(LogLevel.Error, "The last prediction records could not be written before stopping")]
    private partial void LogNotFlushed();
}

internal static class PredictionRegistration
{
    public static IServiceCollection AddPredictions(this IServiceCollection services)
    {
        services.AddSingleton<PredictionRecorder>();
        services.AddHostedService(provider => provider.GetRequiredService<PredictionRecorder>());
        return services;
    }
}
