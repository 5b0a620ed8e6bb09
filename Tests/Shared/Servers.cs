using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Shared;

/// <summary>
/// Postgres and Redis as the AppHost configures them, without the services: for tests of what talks to them directly.
/// The schema is not applied.
/// </summary>
public sealed class Servers : IAsyncLifetime
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    private readonly string _data = Directory.CreateTempSubdirectory("inference-servers-").FullName;
    private DistributedApplication? _app;
    private NpgsqlDataSource? _database;
    private ConnectionMultiplexer? _redis;

    /// <summary>Of the database, with its password, which a data source does not tell.</summary>
    public string ConnectionString { get; private set; } = "";

    public DistributedApplication App => _app ?? throw NotStarted();

    public NpgsqlDataSource Database => _database ?? throw NotStarted();

    public IConnectionMultiplexer Redis => _redis ?? throw NotStarted();

    public async ValueTask InitializeAsync()
    {
        using var limit = new CancellationTokenSource(StartLimit);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            [
                $"--Data={_data}",
            ],
            limit.Token);
        foreach (var service in builder.Resources.OfType<ProjectResource>().ToList())
        {
            builder.Resources.Remove(service);
        }

        foreach (var resource in builder.Resources)
        {
            foreach (var mount in resource.Annotations.OfType<ContainerMountAnnotation>().ToList())
            {
                resource.Annotations.Remove(mount);
            }
        }

        _app = await builder.BuildAsync(limit.Token);
        await _app.StartAsync(limit.Token);
        var resources = _app.Services.GetRequiredService<ResourceNotificationService>();
        await resources.WaitForResourceHealthyAsync("inference", limit.Token);
        await resources.WaitForResourceHealthyAsync("redis", limit.Token);
        ConnectionString = (await _app.GetConnectionStringAsync("inference", limit.Token))!;
        _database = NpgsqlDataSource.Create(ConnectionString);
        _redis = await ConnectionMultiplexer.ConnectAsync((await _app.GetConnectionStringAsync("redis", limit.Token))!);
    }

    public async ValueTask DisposeAsync()
    {
        _redis?.Dispose();
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        Directory.Delete(_data, recursive: true);
    }

    private static InvalidOperationException NotStarted() => new("The servers have not been started.");
}
