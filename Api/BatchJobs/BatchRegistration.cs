using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace InferenceTemplate.Api.BatchJobs;

public static class BatchRegistration
{
    /// <summary>Adds what takes batches in and looks after them, in the Api.</summary>
    public static IServiceCollection AddBatchStore(this IServiceCollection services)
    {
        services.AddOptions<BatchOptions>().BindConfiguration(BatchOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton<QueueEpoch>();
        services.AddSingleton<BatchIntake>();
        services.AddSingleton<BatchLeases>();
        services.AddSingleton<BatchQueries>();
        services.AddSingleton<BatchEndings>();
        services.AddSingleton<BatchSweep>();
        return services;
    }
}
