using InferenceTemplate.Worker.Execution;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace InferenceTemplate.Worker.Health;

/// <summary>Ready means: every model that can be opened is loaded, warm and registered.</summary>
internal sealed class ModelsHealthCheck(ServingState state, ExecutionDevice device) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Check());

    private HealthCheckResult Check()
    {
        if (state.DeviceFailure is { } reason)
        {
            return HealthCheckResult.Unhealthy($"Runs on {device.Name} fail one after the other, through no fault of their inputs: {reason}");
        }

        if (!state.Loaded)
        {
            return HealthCheckResult.Unhealthy("Models are being loaded, or wait for the database schema.");
        }

        var served = $"{state.Models.Length} model versions on {device.Name} ({device.Provider}): {string.Join(", ", state.Models)}";
        if (state.Failures.IsEmpty)
        {
            return device.FellBack
                ? HealthCheckResult.Degraded($"{served}; CUDA could not be used.")
                : HealthCheckResult.Healthy(served);
        }

        var broken = string.Join("; ", state.Failures.Select(f => $"{f.Key} failed: {f.Value}"));
        return state.Models.IsEmpty
            ? HealthCheckResult.Unhealthy($"No model could be opened. {broken}")
            : HealthCheckResult.Degraded($"{served}. {broken}");
    }
}
