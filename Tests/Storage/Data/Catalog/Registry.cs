using InferenceTemplate.Api;
using InferenceTemplate.Api.Models;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Tests.Storage;

/// <summary>The registry over real servers, with the schema applied.</summary>
internal sealed class Registry : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private Registry(Servers servers, Dictionary<string, string?> configuration) => _services = new ServiceCollection()
        .AddLogging()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(configuration).Build())
        .AddSingleton(servers.Database)
        .AddSingleton(servers.Redis)
        .AddSlices()
        .BuildServiceProvider();

    public ModelRegistry Models => _services.GetRequiredService<ModelRegistry>();

    public ModelRemoval Removal => _services.GetRequiredService<ModelRemoval>();

    public ModelCatalog Catalog => _services.GetRequiredService<ModelCatalog>();

    public CatalogChangeNotifier News => _services.GetRequiredService<CatalogChangeNotifier>();

    public VersionInspections Inspections => _services.GetRequiredService<VersionInspections>();

    public ArtifactStore Artifacts => _services.GetRequiredService<ArtifactStore>();

    public static async Task<Registry> OpenAsync(Servers servers, CancellationToken cancellationToken, S3Server? s3 = null)
    {
        Dictionary<string, string?> configuration = s3 is null ? [] : new()
        {
            ["Artifacts:Store"] = "s3",
            ["Artifacts:Endpoint"] = s3.Endpoint,
            ["Artifacts:Bucket"] = S3Server.Bucket,
            ["Artifacts:AccessKey"] = S3Server.AccessKey,
            ["Artifacts:SecretKey"] = S3Server.SecretKey,
            ["Artifacts:PartBytes"] = $"{5 << 20}",
        };
        var registry = new Registry(servers, configuration);
        await registry._services.GetRequiredService<SchemaMigrator>().MigrateAsync(cancellationToken);
        return registry;
    }

    public Task<InferenceDbContext> DatabaseAsync() =>
        _services.GetRequiredService<IDbContextFactory<InferenceDbContext>>().CreateDbContextAsync();

    /// <summary>Adds a ready version made of these bytes.</summary>
    public async Task<(ModelVersion? Version, RegistryProblem? Problem)> AddAsync(
        string model, string? version, byte[] content, CancellationToken cancellationToken, bool ready = true)
    {
        var staged = await Artifacts.StageAsync(new MemoryStream(content), long.MaxValue, cancellationToken);
        return await Models.AddAsync(
            new NewVersion(model, version, staged, "test")
            {
                Inspected = ready
                    ? new InspectedModel(new ModelSignature([], []), new VersionMetadata(), content.Length, new BatchProof(false, "a test"))
                    : null,
            },
            cancellationToken);
    }

    public async Task<byte[]> ReadAsync(string sha256, CancellationToken cancellationToken)
    {
        await using var content = await Artifacts.OpenReadAsync(sha256, cancellationToken);
        using var copy = new MemoryStream();
        await content.CopyToAsync(copy, cancellationToken);
        return copy.ToArray();
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
