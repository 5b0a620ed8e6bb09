namespace InferenceTemplate.Api.Audit;

/// <summary>
/// Appends what waits in the <see cref="AuditLog"/> and in the <see cref="AuditFeed"/>, for as long as the process lives.
/// </summary>
public sealed partial class AuditWriter(AuditLog log, AuditFeed feed, TimeProvider time, ILogger<AuditWriter> logger) : BackgroundService
{
    private static readonly TimeSpan FeedEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastFlush = TimeSpan.FromSeconds(5);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var limit = new CancellationTokenSource(LastFlush);
        try
        {
            await log.FlushAsync(limit.Token);
        }
        catch (Exception exception)
        {
            LogNotFlushed(exception, log.Waiting);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Task.WhenAny(log.Arrived, Task.Delay(FeedEvery, time, stoppingToken));
                stoppingToken.ThrowIfCancellationRequested();
                await log.FlushAsync(stoppingToken);
                while (await feed.PassAsync(stoppingToken) >= AuditFeed.Batch)
                {
                    // There is more.
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // What is left is flushed in StopAsync.
            }
            catch (Exception exception)
            {
                await PauseAsync(exception, stoppingToken);
            }
        }
    }

    private async Task PauseAsync(Exception exception, CancellationToken cancellationToken)
    {
        LogWaiting(log.Waiting, exception.Message);
        await Task.Delay(FeedEvery, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    [LoggerMessage(
        LogLevel.Warning, "Audit entries can't be written now, trying again in a second ({Waiting} wait beside those in flight): {Reason}")]
    private partial void LogWaiting(int waiting, string reason);

    [LoggerMessage(
        LogLevel.Error, "The last audit entries could not be written before stopping: those in flight, and {Waiting} that waited")]
    private partial void LogNotFlushed(Exception exception, int waiting);
}
