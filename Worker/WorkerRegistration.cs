using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Health;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.ModelCache;
using InferenceTemplate.Worker.Models;

namespace InferenceTemplate.Worker;

internal static class WorkerRegistration
{
    public static IServiceCollection AddWorker(this IServiceCollection services)
    {
        services.AddOptions<WorkerOptions>().BindConfiguration(WorkerOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<Telemetry>();
        services.AddSingleton<ServingState>();
        services.AddSingleton<ExecutionDevice>();
        services.AddSingleton<QueueWakeup>();
        services.AddHostedService(provider => provider.GetRequiredService<QueueWakeup>());
        services.AddSingleton<QueueCancellations>();
        services.AddHostedService(provider => provider.GetRequiredService<QueueCancellations>());
        services.AddInspection();
        services.AddModelCache();
        services.AddSingleton<ModelServerFactory>();
        services.AddSingleton<BusiestModels>();
        services.AddSingleton<ModelPreload>();
        services.AddSingleton<LoadRefusal>();
        services.AddHostedService<ModelHost>();
        services.AddHostedService<Heartbeat>();
        services.AddHealthChecks().AddCheck<ModelsHealthCheck>("models");
        return services;
    }
}
