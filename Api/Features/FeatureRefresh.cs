using InferenceTemplate.Core;

namespace InferenceTemplate.Api.Features;

/// <summary>Reads the flags twice a second, so that a change is everywhere within one.</summary>
public sealed class FeatureRefresh(
    FeatureDefinitions definitions, TimeProvider time, ILogger<FeatureRefresh> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);


    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(Interval, definitions.RefreshAsync, time, logger, stoppingToken, atOnce: true);
}
