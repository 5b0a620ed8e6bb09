using InferenceTemplate.Core;

namespace InferenceTemplate.Api.Traffic;

/// <summary>Has the canaries judged every second, by one of the Api replicas.</summary>
internal sealed partial class CanaryEvaluation(CanaryJudge judge, Telemetry telemetry, TimeProvider time, ILogger<CanaryEvaluation> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(Interval, JudgeAsync, time, logger, stoppingToken);

    private async Task JudgeAsync(CancellationToken cancellationToken)
    {
        foreach (var rollback in await judge.JudgeAsync(cancellationToken))
        {
            telemetry.RolledBack(rollback.Model, rollback.Version);
            LogRolledBack(rollback.Version, rollback.Model, rollback.Reason);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The canary version {Version} of {Model} was rolled back: {Reason}")]
    private partial void LogRolledBack(string version, string model, string reason);
}
