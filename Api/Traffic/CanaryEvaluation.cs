using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using Npgsql;

namespace InferenceTemplate.Api.Traffic;

/// <summary>Has the canaries judged every second, by one of the Api replicas.</summary>
internal sealed partial class CanaryEvaluation(CanaryJudge judge, Telemetry telemetry, TimeProvider time, ILogger<CanaryEvaluation> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await JudgeAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next leader goes on.
        }
    }

    private async Task JudgeAsync(CancellationToken stoppingToken)
    {
        try
        {
            foreach (var rollback in await judge.JudgeAsync(stoppingToken))
            {
                telemetry.RolledBack(rollback.Model, rollback.Version);
                LogRolledBack(rollback.Version, rollback.Model, rollback.Reason);
            }
        }
        catch (Exception exception) when (Outages.IsDatabaseAway(exception)
            || exception is QueueUnavailableException or PostgresException { SqlState: PostgresErrorCodes.UndefinedTable })
        {
            // The outage is told elsewhere, and the schema is on its way; without numbers nothing is decided.
            LogNotJudged(exception.Message);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Nothing that goes wrong here may end the service.
            LogFailed(exception);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The canary version {Version} of {Model} was rolled back: {Reason}")]
    private partial void LogRolledBack(string version, string model, string reason);

    [LoggerMessage(LogLevel.Debug, "Canaries could not be judged: {Reason}")]
    private partial void LogNotJudged(string reason);

    [LoggerMessage(LogLevel.Warning, "Canaries could not be judged")]
    private partial void LogFailed(Exception exception);
}
