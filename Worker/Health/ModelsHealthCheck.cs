using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.ModelCache;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace InferenceTemplate.Worker.Health;

/// <summary>Ready means: all versions of the registry are answered for, and those to be open from the start are open and warm.</summary>
internal sealed class ModelsHealthCheck(ServingState state, SessionCache cache, ExecutionDevice device) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Check());

    private HealthCheckResult Check()
    {
        if (state.DeviceFailure is { } reason)
        {
            return HealthCheckResult.Unhealthy(
                $"Runs on {device.Name} fail one after the other, through no fault of their inputs: {reason}");
        }

        if (!state.Loaded)
        {
            return HealthCheckResult.Unhealthy("Models are being loaded, or wait for the database schema.");
        }

        var open = cache.Snapshot();
        var served = $"Answers for {state.Versions} model versions on {device.Name} ({device.Provider}), {open.Length} of them open in "
            + $"{cache.Bytes} of {cache.Limit} bytes: {string.Join(", ", open.Select(m => m.Key))}";
        var failures = cache.Failures.ToDictionary(f => f.Key.ToString(), f => f.Reason, StringComparer.Ordinal);
        foreach (var (model, problem) in state.Failures)
        {
            failures.TryAdd(model, problem);
        }

        if (failures.Count == 0)
        {
            return device.FellBack
                ? HealthCheckResult.Degraded($"{served}; CUDA could not be used.")
                : HealthCheckResult.Healthy(served);
        }

        // With nothing but failures this worker is of no use; with one of many it is.
        var broken = string.Join("; ", failures.Select(f => $"{f.Key} failed: {f.Value}"));
        return open.IsEmpty && cache.Failures.Count >= state.Versions
            ? HealthCheckResult.Unhealthy($"No model could be opened. {broken}")
            : HealthCheckResult.Degraded($"{served}. {broken}");
    }
}
