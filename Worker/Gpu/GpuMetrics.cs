using System.Diagnostics.Metrics;
using InferenceTemplate.Core.Fleet;

namespace InferenceTemplate.Worker.Gpu;

/// <summary>
/// The GPUs' figures under OpenTelemetry's names for hardware (semantic conventions, "hardware metrics"), each tagged with <c>hw.id</c>
/// and <c>hw.type</c>. Read when they are collected.
/// </summary>
internal sealed class GpuMetrics(IMeterFactory meters, GpuReader gpus) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var meter = meters.Create(Telemetry.Name);
        meter.CreateObservableGauge(
            "hw.gpu.utilization", () => Of(gpus, g => g.Utilization), "1", "Share of time in which the GPU computed.");
        meter.CreateObservableUpDownCounter(
            "hw.gpu.memory.usage", () => Of(gpus, g => g.MemoryUsed), "By", "GPU memory in use, by all processes.");
        meter.CreateObservableUpDownCounter("hw.gpu.memory.limit", () => Of(gpus, g => g.MemoryTotal), "By", "GPU memory in all.");
        meter.CreateObservableGauge("hw.temperature", () => Of(gpus, g => g.Temperature), "Cel", "Temperature of the GPU.");
        meter.CreateObservableGauge("hw.power", () => Of(gpus, g => g.PowerWatts), "W", "Power that the GPU draws.");
        meter.CreateObservableCounter(
            "hw.errors", () => Errors(gpus), "{error}", "Errors of the GPU's ECC memory since the driver was loaded.");
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static IEnumerable<Measurement<T>> Of<T>(GpuReader gpus, Func<GpuStatus, T?> figure)
        where T : struct
    {
        foreach (var gpu in gpus.Read())
        {
            if (figure(gpu) is { } value)
            {
                yield return new Measurement<T>(value, Tags(gpu));
            }
        }
    }

    private static IEnumerable<Measurement<long>> Errors(GpuReader gpus)
    {
        foreach (var gpu in gpus.Read())
        {
            if (gpu.CorrectedErrors is { } corrected)
            {
                yield return new Measurement<long>(corrected, [.. Tags(gpu), new("error.type", "corrected")]);
            }

            if (gpu.UncorrectedErrors is { } uncorrected)
            {
                yield return new Measurement<long>(uncorrected, [.. Tags(gpu), new("error.type", "uncorrected")]);
            }
        }
    }

    private static KeyValuePair<string, object?>[] Tags(GpuStatus gpu) =>
        [new("hw.id", gpu.Id), new("hw.name", gpu.Name), new("hw.type", "gpu")];
}
