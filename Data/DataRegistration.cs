using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Data.Jobs;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Data;

public static class DataRegistration
{
    /// <summary>
    /// Adds the database, the model catalog and the job leases over the <see cref="NpgsqlDataSource"/> that the host has registered.
    /// </summary>
    public static IServiceCollection AddData(this IServiceCollection services)
    {
        services.AddDbContextFactory<InferenceDbContext>((provider, options) =>
            options.UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>()));
        services.AddHealthChecks().AddCheck<SchemaHealthCheck>("schema");
        services.AddSingleton<SchemaHealthCheck>();
        services.AddSingleton<SchemaArrival>();
        services.AddHostedService(provider => provider.GetRequiredService<SchemaArrival>());
        services.AddSingleton<SchemaMigrator>();
        services.AddArtifacts();
        services.AddCatalog();
        services.AddJobLeases();
        return services;
    }

    private static void AddArtifacts(this IServiceCollection services)
    {
        services.AddOptions<ArtifactOptions>().BindConfiguration(ArtifactOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IBlobStore>(provider =>
            provider.GetRequiredService<IOptions<ArtifactOptions>>() is { Value.Store: "s3" } s3
                ? new S3Blobs(s3)
                : new PostgresBlobs(provider.GetRequiredService<NpgsqlDataSource>()));
        services.AddSingleton<ArtifactStore>();
    }

    private static void AddCatalog(this IServiceCollection services)
    {
        services.AddSingleton<ModelCatalog>();
        services.AddSingleton<CatalogChangeNotifier>();
        services.AddHostedService(provider => provider.GetRequiredService<CatalogChangeNotifier>());
        services.AddSingleton<ModelRegistry>();
        services.AddSingleton<VersionInspections>();
        services.AddSingleton<SampleRequests>();
    }

    private static void AddJobLeases(this IServiceCollection services)
    {
        services.AddSingleton<JobLeases>();
        services.AddSingleton<JobDeadLetters>();
        services.AddSingleton(provider =>
        {
            var jobs = provider.GetRequiredService<JobDeadLetters>();
            var letters = ActivatorUtilities.CreateInstance<DeadLetters>(provider);
            letters.RequeueJob = id => jobs.RequeueAsync(id);
            return letters;
        });
    }
}
