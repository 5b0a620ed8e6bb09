using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Caching;
using InferenceTemplate.Api.Drift;
using InferenceTemplate.Api.Features;
using InferenceTemplate.Api.Models;
using InferenceTemplate.Api.Retention;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api;

public static class Slices
{
    /// <summary>Adds what the served Api and <c>Api admin</c> share, over an NpgsqlDataSource and an IConnectionMultiplexer.</summary>
    public static IServiceCollection AddSlices(this IServiceCollection services)
    {
        services.AddCore();
        services.AddData();
        services.AddAudit();
        services.AddRetention();
        services.AddFeatures();
        services.AddModelRegistry();
        services.AddTrafficPolicies();
        services.AddDriftComparison();
        services.AddApiKeyRegistry();
        services.AddTenancy();
        services.AddSingleton<ResponseCache>();
        return services;
    }
}
