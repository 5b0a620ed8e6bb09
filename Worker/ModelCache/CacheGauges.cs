using System.Diagnostics.Metrics;
using Polly.CircuitBreaker;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>What the cache holds, read when metrics are collected.</summary>
internal sealed class CacheGauges(IMeterFactory meters, SessionCache cache) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var meter = meters.Create(Telemetry.Name);
        meter.CreateObservableUpDownCounter(
            "inference.model.memory",
            () => cache.Snapshot().Select(m => new Measurement<long>(m.Bytes, Tags(m.Key))),
            "By",
            "Memory reserved for a model, measured once it is open.");
        meter.CreateObservableUpDownCounter(
            "inference.model.memory.limit", () => cache.Limit, "By", "Memory that open models may take together.");
        meter.CreateObservableGauge(
            "inference.model.breaker.open",
            () => cache.Failures.Select(f => new Measurement<int>(f.Circuit == CircuitState.Open ? 1 : 0, Tags(f.Key))),
            "1",
            "For each model whose last load failed: whether further loads are refused (1) or tried (0).");
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static KeyValuePair<string, object?>[] Tags(ModelKey key) => [new("model", key.Model), new("version", key.Version)];
}
