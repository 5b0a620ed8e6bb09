using System.Diagnostics.Metrics;
using InferenceTemplate.Core.Triton;

namespace InferenceTemplate.Worker;

/// <summary>Counts each run under Triton's names too, by listening to this worker's own metric of batch sizes.</summary>
internal sealed class TritonRuns(TritonMetrics triton) : IHostedService, IDisposable
{
    private readonly MeterListener _listener = new();

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is { Meter.Name: Telemetry.Name, Name: "inference.batch.size" })
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((_, rows, tags, _) => triton.Ran(Tag(tags, "model"), Tag(tags, "version"), rows));
        _listener.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _listener.Dispose();

    private static string Tag(ReadOnlySpan<KeyValuePair<string, object?>> tags, string name)
    {
        foreach (var tag in tags)
        {
            if (tag.Key == name)
            {
                return tag.Value as string ?? "";
            }
        }

        return "";
    }
}
