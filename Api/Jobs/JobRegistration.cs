using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Jobs;

public static class JobRegistration
{
    /// <summary>Adds what accepts jobs and looks after them, in the Api.</summary>
    public static IServiceCollection AddJobAcceptance(this IServiceCollection services)
    {
        services.AddSingleton<PendingJobs>();
        services.AddSingleton<JobQueries>();
        services.AddSingleton<JobCancellation>();
        services.AddSingleton<JobDeletion>();
        services.AddSingleton<JobRequeue>();
        services.AddSingleton<JobDispatcher>();
        services.AddSingleton<JobWriter>();
        services.AddHostedService(provider => provider.GetRequiredService<JobSignals>());
        services.AddHostedService(provider => provider.GetRequiredService<JobDispatcher>());
        services.AddHostedService(provider => provider.GetRequiredService<JobWriter>());
        services.AddHostedServiceAfterSchema<JobReconciler>();
        return services;
    }
}
