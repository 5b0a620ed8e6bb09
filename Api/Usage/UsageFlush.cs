using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Costs;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Usage;

/// <summary>Each second, and at the end: writes what this replica gathered, sums what all have written, and looks at the months.</summary>
public sealed partial class UsageFlush(
    UsageAccumulator accumulator,
    UsageSummation summation,
    MonthAlerts alerts,
    TenantTelemetry telemetry,
    IOptions<CostOptions> costs,
    TimeProvider time,
    ILogger<UsageFlush> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastFlush = TimeSpan.FromSeconds(5);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(Interval, FlushAsync, time, logger, stoppingToken);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var limit = new CancellationTokenSource(LastFlush);
        try
        {
            await accumulator.WriteAsync(limit.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException || Outages.IsOfDatabase(exception))
        {
            LogLost(exception.Message);
        }
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        await accumulator.WriteAsync(cancellationToken);
        var summed = await summation.SumAsync(cancellationToken);
        if (summed.Count == 0)
        {
            return;
        }

        foreach (var tenant in summed)
        {
            telemetry.Jobs(tenant.Tenant, tenant.Jobs - tenant.FailedJobs, tenant.FailedJobs);
            telemetry.Cost(tenant.Tenant, tenant.CostOfJobs, costs.Value.Currency);
            telemetry.Tokens(tenant.Tenant, tenant.TokensOfJobs);
        }

        await alerts.LookAsync([.. summed.Select(s => s.Tenant)], cancellationToken);
    }

    [LoggerMessage(LogLevel.Error, "The last use of this replica could not be written: {Reason}")]
    private partial void LogLost(string reason);
}
