using InferenceTemplate.Api.Tenants;

namespace InferenceTemplate.Api.Limits;

internal static class LimitRegistration
{
    public static IServiceCollection AddLimits(this IServiceCollection services)
    {
        services.AddSingleton<TenantGate>();
        services.AddUsageSums();
        return services;
    }
}
