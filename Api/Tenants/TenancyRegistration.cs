using InferenceTemplate.Api.Usage;

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
        services.AddSingleton<UsageLedger>();
        services.AddSingleton<UsageSummation>();
        services.AddSingleton<UsageReport>();
        return services;
    }

    /// <summary>Adds what writes and sums use, in the Api.</summary>
    public static IServiceCollection AddUsageSums(this IServiceCollection services) => services.AddHostedService<UsageFlush>();
}
