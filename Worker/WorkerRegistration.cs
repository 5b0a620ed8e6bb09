using InferenceTemplate.Core.Queue;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Direct;
using InferenceTemplate.Worker.Draining;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Generation;
using InferenceTemplate.Worker.Health;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Jobs;
using InferenceTemplate.Worker.ModelCache;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker;

internal static class WorkerRegistration
{
    // For returning what the drain could not finish, and for the other services to stop.
    private static readonly TimeSpan AfterDrain = TimeSpan.FromSeconds(5);

    public static IServiceCollection AddWorker(this IServiceCollection services)
    {
        services.AddOptions<WorkerOptions>().BindConfiguration(WorkerOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddHostedService<ProcessNiceness>();
        services.AddSingleton<Telemetry>();
        services.AddSingleton<ServingState>();
        services.AddSingleton<ExecutionDevice>();
        services.AddSingleton<QueueWakeup>();
        services.AddHostedService(provider => provider.GetRequiredService<QueueWakeup>());
        services.AddSingleton<QueueCancellations>();
        services.AddHostedService(provider => provider.GetRequiredService<QueueCancellations>());
        services.AddOptions<GenerationOptions>().BindConfiguration(GenerationOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<GenerationTelemetry>();
        services.AddInspection();
        services.AddModelCache();
        services.AddSingleton<BusiestModels>();
        services.AddSingleton<ModelPreload>();
        services.AddSingleton<LoadRefusal>();
        services.AddSingleton<QueueConsumers>();
        services.AddSingleton<BatchTrust>();
        services.AddSingleton<ModelServerFactory>();
        services.AddSingleton<DirectServers>();
        services.AddSingleton<DirectListener>();
        services.AddHostedService(provider => provider.GetRequiredService<DirectListener>());
        services.AddSingleton<DrainSwitch>();
        services.AddSingleton<DrainSignal>();
        services.AddHostedService(provider => provider.GetRequiredService<DrainSignal>());
        services.AddOptions<HostOptions>().Configure<IOptions<WorkerOptions>>(
            (host, worker) => host.ShutdownTimeout = worker.Value.DrainTimeout + AfterDrain);
        services.AddSingleton<JobCosts>();
        services.AddSingleton<JobLeaseTracker>();
        services.AddHostedService(provider => provider.GetRequiredService<JobLeaseTracker>());
        services.AddHostedService<ModelHost>();
        services.AddHostedService<Heartbeat>();
        services.AddHostedService<TritonRuns>();
        services.AddHostedService<StatisticsOfRuns>();
        services.AddHealthChecks().AddCheck<ModelsHealthCheck>("models");
        return services;
    }
}
