namespace InferenceTemplate.Api.Limits;

internal static class LimitRegistration
{
    public static IServiceCollection AddLimits(this IServiceCollection services)
    {
        services.AddSingleton<TenantGate>();
        services.AddSingleton<ReadSlots>();
        return services;
    }
}
