using InferenceTemplate.AppHost.Lifecycle;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.AppHost.Commands;

/// <summary>Taking a worker out of service as a cluster would.</summary>
internal static class WorkerCommands
{
    public static IResourceBuilder<ProjectResource> WithDrainCommand(this IResourceBuilder<ProjectResource> worker) => worker.WithCommand(
        "drain",
        "Drain and stop",
        async context =>
        {
            var stop = context.Services.GetRequiredService<GracefulStop>();
            if (!context.Services.GetRequiredService<ResourceNotificationService>()
                .TryGetCurrentState(context.ResourceName, out var replica)
                || !GracefulStop.Runs(replica))
            {
                return CommandResults.Failure($"{context.ResourceName} is not running.");
            }

            return await stop.StopAsync(replica, context.CancellationToken)
                ? CommandResults.Success($"{context.ResourceName} has finished what it had taken, and stopped. 'Start' brings it back.")
                : CommandResults.Failure($"{context.ResourceName} is still busy with what it had taken.");
        },
        new()
        {
            Description = "Takes no new requests, finishes what it runs, returns the rest to the queue, and stops, as a pod does.",
            ConfirmationMessage = "Nothing is computed until a worker is started again.",
            IconName = "Drop",
            UpdateState = context =>
                context.ResourceSnapshot.State?.Text == KnownResourceStates.Running
                    ? ResourceCommandState.Enabled
                    : ResourceCommandState.Disabled,
        });
}
