using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace InferenceTemplate.Inference.Store;

public static class StoreRegistration
{
    /// <summary>Adds the store over the <see cref="NpgsqlDataSource"/> that the host has registered.</summary>
    public static IServiceCollection AddInferenceStore(this IServiceCollection services)
    {
        services.AddDbContextFactory<InferenceDbContext>((provider, options) =>
            options.UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>()));
        services.AddHealthChecks().AddCheck<SchemaHealthCheck>("schema");
        services.AddSingleton<SchemaHealthCheck>();
        services.AddSingleton<SchemaMigrator>();
        services.AddSingleton<PredictionWriter>();
        services.AddSingleton<ShadowComparisonStore>();
        services.AddSingleton<TrafficPolicyStore>();
        return services;
    }
}
