using InferenceTemplate.Core;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// Notices within a second that Redis lost its data and kept its connections: then no worker will ever see what was queued, and its
/// callers must not wait out their deadlines.
/// </summary>
internal sealed class QueueLossWatch(
    ReplyInbox inbox, QueueEpoch epoch, TimeProvider time, ILogger<QueueLossWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DateTimeOffset? seen = null;
        await PeriodicLoop.RunAsync(Interval, LookAsync, time, logger, stoppingToken);

        async Task LookAsync(CancellationToken cancellationToken)
        {
            try
            {
                var mark = await epoch.MarkAsync();
                if (seen is not null && mark != seen)
                {
                    inbox.Lose("Redis lost its data", restored: true);
                }

                seen = mark;
            }
            catch (QueueUnavailableException)
            {
                // A broken connection is noticed where it is.
            }
        }
    }
}
