using InferenceTemplate.Api.Usage;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Tenants;

public static class TenancyRegistration
{
    /// <summary>Adds tenants, their limits and their use.</summary>
    public static IServiceCollection AddTenancy(this IServiceCollection services)
    {
        services.AddOptions<TenantOptions>().BindConfiguration(TenantOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddMetrics();
        services.AddSingleton<TenantLookup>();
        services.AddSingleton<TenantLimiter>();
        services.AddSingleton<TenantStore>();
        services.AddSingleton<TenantTelemetry>();
        services.AddSingleton<MonthAlerts>();
        services.AddSingleton<UsageAccumulator>();
        services.AddSingleton<UsageSummation>();
        services.AddSingleton<UsageReport>();
        services.AddHostedServiceAfterSchema<UsageFlush>();
        return services;
    }
}
