using InferenceTemplate.Core;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Traffic;

/// <summary>Has the canaries judged every second, by one of the Api replicas.</summary>
internal sealed partial class CanaryEvaluation(
    CanaryJudge judge, CatalogChangeNotifier notifier, Telemetry telemetry, TimeProvider time, ILogger<CanaryEvaluation> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(Interval, JudgeAsync, time, logger, stoppingToken);

    private async Task JudgeAsync(CancellationToken cancellationToken)
    {
        var taken = await judge.JudgeAsync(cancellationToken);
        foreach (var rollback in taken)
        {
            telemetry.RolledBack(rollback.Model, rollback.Version);
            LogRolledBack(rollback.Version, rollback.Model, rollback.Reason);
        }

        if (taken.Count > 0)
        {
            await notifier.PublishAsync(cancellationToken);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The canary version {Version} of {Model} was rolled back: {Reason}")]
    private partial void LogRolledBack(string version, string model, string reason);
}
