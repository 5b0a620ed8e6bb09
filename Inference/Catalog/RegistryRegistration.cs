using InferenceTemplate.Inference.Catalog.Artefacts;
using InferenceTemplate.Inference.Fleet;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Inference.Catalog;

internal static class RegistryRegistration
{
    public static IServiceCollection AddRegistry(this IServiceCollection services)
    {
        services.AddOptions<ArtefactOptions>().BindConfiguration(ArtefactOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IBlobStore>(provider =>
            provider.GetRequiredService<IOptions<ArtefactOptions>>() is { Value.Store: "s3" } s3
                ? new S3Blobs(s3)
                : new PostgresBlobs(provider.GetRequiredService<NpgsqlDataSource>()));
        services.AddSingleton<ArtefactStore>();
        services.AddSingleton<ModelCatalog>();
        services.AddSingleton<FleetChannel>();
        services.AddSingleton<CatalogNews>();
        services.AddHostedService(provider => provider.GetRequiredService<CatalogNews>());
        services.AddSingleton<ModelEventLog>();
        services.AddSingleton<ModelRegistry>();
        services.AddSingleton<ModelPromotion>();
        services.AddSingleton<ModelRemoval>();
        services.AddSingleton<VersionInspections>();
        return services;
    }
}
