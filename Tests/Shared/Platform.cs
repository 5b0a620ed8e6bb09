using System.Net.Http.Headers;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace InferenceTemplate.Tests.Shared;

/// <summary>
/// The whole platform as the AppHost composes it, with a real Postgres, Redis and all services, on free ports and
/// with data of its own that goes when the tests end.
/// </summary>
public class Platform : IAsyncLifetime
{
    // Services in production mode take them too, and refuse what is made of well-known words.
    private const string AdminSecret = "seven-quiet-herons-cross-a-frozen-lake";

    public const string Pepper = "nine-old-bicycles-lean-on-a-crooked-brick-wall";

    public const string DirectSecret = "eleven-red-kites-circle-over-a-mown-meadow";

    public const string ScalingToken = "testscalingtokentestscalingtoken";

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    private readonly string _data;
    private readonly bool _keepsData;
    private DistributedApplication? _app;

    public Platform()
        : this(Directory.CreateTempSubdirectory("inference-tests-").FullName, keepsData: false)
    {
    }

    /// <param name="data">Where the servers keep their data, where they are processes and not containers.</param>
    /// <param name="keepsData">Whether the data stays when this platform ends.</param>
    protected Platform(string data, bool keepsData)
    {
        _data = data;
        _keepsData = keepsData;
    }

    public DistributedApplication App => _app ?? throw new InvalidOperationException("The platform has not been started.");

    /// <summary>The volume that keeps the data of a platform of this folder, where the servers are containers.</summary>
    public static string VolumeOf(string data, string volume) => $"{Path.GetFileName(data)}-{volume}";

    public const string AdminKey = $"admin_{AdminSecret}";

    /// <summary>Whether the Aspire dashboard runs too, and gets the telemetry. Default: no.</summary>
    protected virtual bool HasAspireDashboard => false;

    /// <summary>Changes resources before the platform starts.</summary>
    protected virtual void Configure(IDistributedApplicationTestingBuilder builder)
    {
    }

    public async ValueTask InitializeAsync()
    {
        using var limit = new CancellationTokenSource(StartLimit);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            [
                $"--Parameters:admin-secret={AdminSecret}",
                $"--Parameters:api-key-pepper={Pepper}",
                $"--Parameters:direct-secret={DirectSecret}",
                $"--Data={_data}",
                // Of the Aspire dashboard, where there is one.
                "--ASPNETCORE_URLS=http://127.0.0.1:0",
                "--ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL=http://127.0.0.1:0",
                "--ASPIRE_ALLOW_UNSECURED_TRANSPORT=true",
                "--ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS=true",
            ],
            (options, _) => options.DisableDashboard = !HasAspireDashboard,
            limit.Token);

        // Named volumes are the developer's data; without them it goes with the servers.
        foreach (var resource in builder.Resources.ToList())
        {
            foreach (var mount in resource.Annotations.OfType<ContainerMountAnnotation>().ToList())
            {
                resource.Annotations.Remove(mount);
                if (_keepsData)
                {
                    resource.Annotations.Add(
                        new ContainerMountAnnotation(VolumeOf(_data, $"{resource.Name}-data"), mount.Target, mount.Type, mount.IsReadOnly));
                }
            }
        }

        // Only in a cluster does the AppHost give the Api a token for the autoscaler. Batches of models that no worker can load are to
        // wait. Silent streams are kept alive sooner than they need be.
        builder.CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(project => project.Name == "api"))
            .WithEnvironment("Scaling__Token", ScalingToken)
            .WithEnvironment("Batches__MaxAttempts", "20")
            .WithEnvironment("Chat__KeepAlive", "00:00:03");

        // Without a dashboard, Aspire names its collector all the same.
        foreach (var service in builder.Resources.OfType<ProjectResource>().Where(_ => !HasAspireDashboard).ToList())
        {
            builder.CreateResourceBuilder(service).WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", "");
        }

        Configure(builder);
        _app = await builder.BuildAsync(limit.Token);
        await _app.StartAsync(limit.Token);
        var resources = _app.Services.GetRequiredService<ResourceNotificationService>();
        foreach (var name in builder.Resources.OfType<ProjectResource>().Select(service => service.Name).ToList())
        {
            await resources.WaitForResourceHealthyAsync(name, limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        if (!_keepsData)
        {
            Directory.Delete(_data, recursive: true);
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>A client of a service, without credentials.</summary>
    public HttpClient Anonymous(string service = "api") => App.CreateHttpClient(service, "http");

    /// <summary>A client of the Api with the admin key.</summary>
    public HttpClient Admin() => WithKey(AdminKey);

    public HttpClient WithKey(string key)
    {
        var client = Anonymous();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    public async Task<NpgsqlDataSource> DatabaseAsync() =>
        NpgsqlDataSource.Create((await App.GetConnectionStringAsync("inference"))!);
}
