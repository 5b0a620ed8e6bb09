using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Retention;

public static class RetentionRegistration
{
    /// <summary>Adds what deletes old records, daily and when it is asked to.</summary>
    public static IServiceCollection AddRetention(this IServiceCollection services)
    {
        services.AddOptions<RetentionOptions>().BindConfiguration(RetentionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<RetentionRun>();
        services.AddHostedServiceAfterSchema<RetentionService>();
        return services;
    }
}
