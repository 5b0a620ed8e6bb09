namespace InferenceTemplate.Api.BatchJobs;

public static class BatchRegistration
{
    /// <summary>Adds what takes batches in and looks after them, in the Api.</summary>
    public static IServiceCollection AddBatchStore(this IServiceCollection services)
    {
        services.AddOptions<BatchOptions>().BindConfiguration(BatchOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(new ShownSettings(
            ShownSettings.Jobs, typeof(BatchOptions), BatchOptions.Section,
            (nameof(BatchOptions.MaxBytes), "Largest batch job"),
            (nameof(BatchOptions.MaxPendingPerTenant), "Most batch jobs of a tenant that have not ended"),
            (nameof(BatchOptions.Concurrency), "Lines of a batch job that wait or run at a time"),
            (nameof(BatchOptions.RunningPerReplica), "Batch jobs that a replica runs at a time"),
            (nameof(BatchOptions.Retention), "How long outputs are kept")));
        services.AddSingleton<BatchIntake>();
        services.AddSingleton<BatchLeases>();
        services.AddSingleton<BatchQueries>();
        services.AddSingleton<BatchEndings>();
        services.AddSingleton<BatchSweep>();
        return services;
    }
}
