using InferenceTemplate.Inference.Queue;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Inference.Jobs;

public static class JobRegistration
{
    /// <summary>Adds what Api and Worker both need of durable jobs.</summary>
    public static IServiceCollection AddJobs(this IServiceCollection services)
    {
        services.AddOptions<JobOptions>().BindConfiguration(JobOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddMetrics();
        services.AddSingleton<JobTelemetry>();
        services.AddSingleton<JobSignals>();
        services.AddSingleton<JobLeases>();
        services.AddSingleton<JobDeadLetters>();
        services.AddSingleton(provider =>
        {
            // A job's row has to be queued again before its entry is.
            var jobs = provider.GetRequiredService<JobDeadLetters>();
            var letters = ActivatorUtilities.CreateInstance<DeadLetters>(provider);
            letters.BeforeRequeue = request => request.Kind == RequestKind.Job ? jobs.RequeueAsync(request.Id) : Task.FromResult(true);
            return letters;
        });
        return services;
    }

    /// <summary>Adds what accepts jobs and looks after them, in the Api.</summary>
    public static IServiceCollection AddJobAcceptance(this IServiceCollection services)
    {
        services.AddSingleton<QueueEpoch>();
        services.AddSingleton<PendingJobs>();
        services.AddSingleton<JobQueries>();
        services.AddSingleton<JobCancellation>();
        services.AddSingleton<JobDeletion>();
        services.AddSingleton<JobDispatcher>();
        services.AddSingleton<JobWriter>();
        services.AddHostedService(provider => provider.GetRequiredService<JobSignals>());
        services.AddHostedService(provider => provider.GetRequiredService<JobDispatcher>());
        services.AddHostedService(provider => provider.GetRequiredService<JobWriter>());
        services.AddHostedService<JobReconciler>();
        return services;
    }
}
