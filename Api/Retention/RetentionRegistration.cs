using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Retention;

public static class RetentionRegistration
{
    /// <summary>Adds what deletes old records, daily and when it is asked to.</summary>
    public static IServiceCollection AddRetention(this IServiceCollection services)
    {
        services.AddOptions<RetentionOptions>().BindConfiguration(RetentionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(new ShownSettings(
            ShownSettings.Retention, typeof(RetentionOptions), RetentionOptions.Section,
            (nameof(RetentionOptions.PredictionDays), "Records of requests"),
            (nameof(RetentionOptions.JobDays), "Jobs that have ended, at most"),
            (nameof(RetentionOptions.BatchDays), "Batch jobs that have ended, at most"),
            (nameof(RetentionOptions.ShadowComparisonDays), "Comparisons with shadow versions"),
            (nameof(RetentionOptions.DriftDays), "Windows of drift"),
            (nameof(RetentionOptions.UsageDays), "Use by the hour"),
            (nameof(RetentionOptions.AuditDays), "The audit chain")));
        services.AddSingleton<RetentionRun>();
        services.AddHostedServiceAfterSchema<RetentionService>();
        return services;
    }
}
