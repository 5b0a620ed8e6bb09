using InferenceTemplate.Core;
using InferenceTemplate.Data.Catalog;
using Npgsql;

namespace InferenceTemplate.Api.Drift;

/// <summary>
/// Looks twice a minute whether the stable versions of watched models have drifted, for metrics and the log, and fixes first baselines.
/// Each replica does, so that none has another's metrics to tell.
/// </summary>
internal sealed partial class DriftWatch(
    ModelCatalog catalog, DriftReader reader, DriftBaselines baselines, NpgsqlDataSource dataSource, Telemetry telemetry, TimeProvider time,
    ILogger<DriftWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    // A version's number is not given out again.
    private const string Orphans = """
        DELETE FROM drift_baselines b USING model_versions v WHERE v.model = b.model AND v.version = b.version AND v.deleted_at IS NOT NULL
        """;

    private HashSet<(string Model, string Version)> _drifted = [];

    /// <summary>One round.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        await using (var orphans = dataSource.CreateCommand(Orphans))
        {
            await orphans.ExecuteNonQueryAsync(cancellationToken);
        }

        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        var measures = new List<DriftMeasure>();
        var drifted = new HashSet<(string, string)>();
        foreach (var model in snapshot.Models.Where(m => m.Settings.Drift.Enabled))
        {
            if (snapshot.StableOf(model.Name) is not { Version: var version })
            {
                continue;
            }

            var seen = await reader.ReadAsync(model.Name, version, model.Settings.Drift, cancellationToken);
            if (seen.Baseline is null)
            {
                await baselines.FixFirstAsync(model.Name, version, cancellationToken);
                continue;
            }

            measures.Add(new(model.Name, version, seen.Tensors.Count(t => t.HasDrifted), Largest(seen, false), Largest(seen, true)));
            if (!seen.HasDrifted)
            {
                continue;
            }

            drifted.Add((model.Name, version));
            if (!_drifted.Contains((model.Name, version)))
            {
                LogDrifted(model.Name, version, string.Join(", ", seen.Tensors.Where(t => t.HasDrifted).Select(t => t.Tensor).Distinct()));
            }
        }

        (_drifted, telemetry.Drift) = (drifted, measures);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(Interval, LookAsync, time, logger, stoppingToken);

    private static double? Largest(VersionDrift seen, bool isOutput) =>
        seen.Tensors.Where(t => t.IsOutput == isOutput).Max(t => t.Comparison?.Psi);

    [LoggerMessage(LogLevel.Warning, "{Model}/{Version} is sent or answers something else than when its baseline was fixed: {Tensors}")]
    private partial void LogDrifted(string model, string version, string tensors);
}

/// <summary>What metrics tell of a version that is watched.</summary>
/// <param name="Drifted">Tensors, by kind of comparison.</param>
/// <param name="Inputs">The largest stability index of its inputs; null while too few requests were looked at.</param>
internal sealed record DriftMeasure(string Model, string Version, int Drifted, double? Inputs, double? Outputs);
