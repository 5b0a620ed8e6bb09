using System.Diagnostics;
using System.Diagnostics.Metrics;
using InferenceTemplate.ServiceDefaults.Telemetry;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>Spans and metrics of batches.</summary>
internal sealed class BatchTelemetry
{
    public static readonly ActivitySource Source = new(TraceIds.Batches);

    private readonly Counter<long> _lines;
    private int _running;

    public BatchTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Telemetry.Name);
        _lines = meter.CreateCounter<long>("inference.batches.lines", "{line}", "Lines of batches that this replica has run, by outcome.");
        meter.CreateObservableGauge("inference.batches.running", () => _running, "{batch}", "Batches that this replica runs.");
    }

    public void Ended(string outcome, int lines) => _lines.Add(lines, new KeyValuePair<string, object?>("outcome", outcome));

    public void Running(int change) => Interlocked.Add(ref _running, change);
}
