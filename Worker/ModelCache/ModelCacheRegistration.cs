using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Gpu;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.ModelCache;

internal static class ModelCacheRegistration
{
    public static IServiceCollection AddModelCache(this IServiceCollection services)
    {
        services.AddOptions<ModelCacheOptions>().BindConfiguration(ModelCacheOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ArtifactFiles>();
        services.AddSingleton<ModelWarmUp>();
        services.AddSingleton<TriedInputs>();
        services.AddSingleton<ModelSource>();
        services.AddSingleton<PlanModel>(provider => provider.GetRequiredService<ModelSource>().PlanAsync);
        services.AddSingleton(provider => new LoadBreaker(
            provider.GetRequiredService<IOptions<ModelCacheOptions>>().Value, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => MemoryBudget.For(
            provider.GetRequiredService<IOptions<ModelCacheOptions>>().Value.ModelMemory,
            provider.GetRequiredService<ExecutionDevice>(),
            provider.GetRequiredService<IOptions<WorkerOptions>>().Value.DeviceId,
            provider.GetRequiredService<GpuReader>()));
        services.AddSingleton<SessionCache>();
        services.AddHostedService<CacheGauges>();
        services.AddSingleton<GpuReader>();
        services.AddHostedService<GpuMetrics>();
        return services;
    }
}
