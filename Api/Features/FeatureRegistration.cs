using InferenceTemplate.Data;
using Microsoft.FeatureManagement;

namespace InferenceTemplate.Api.Features;

public static class FeatureRegistration
{
    /// <summary>Adds feature flags over Postgres, and what keeps them current.</summary>
    public static IServiceCollection AddFeatures(this IServiceCollection services)
    {
        services.AddSingleton<FeatureStore>();
        services.AddSingleton<FeatureDefinitions>();
        services.AddSingleton<IFeatureDefinitionProvider>(provider => provider.GetRequiredService<FeatureDefinitions>());
        services.AddFeatureManagement();
        services.AddSingleton<FeatureSwitches>();
        services.AddHostedServiceAfterSchema<FeatureRefresh>();
        return services;
    }
}
