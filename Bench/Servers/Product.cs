using System.Diagnostics;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Bench.Load;
using InferenceTemplate.Bench.Models;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Bench.Servers;

/// <summary>
/// The product as its AppHost composes it, but for the dashboard, and with one Api replica without a proxy before it: the bare
/// server has neither. Postgres and Redis run with data of their own that goes with them.
/// </summary>
internal sealed class Product : IAsyncDisposable
{
    private const string AdminSecret = "Jd72kXqPz91LmWv4RtYb83NcHs56GfEa0uQi";
    private const string Key = $"admin_{AdminSecret}";

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    private readonly DistributedApplication _app;
    private readonly string _data;

    private Product(DistributedApplication app, string data, TimeSpan started)
    {
        _app = app;
        _data = data;
        Started = started;
        Api = app.GetEndpoint("api", "http");
        Worker = app.GetEndpoint("worker", "http");
    }

    public Uri Api { get; }

    public Uri Worker { get; }

    /// <summary>From the first resource's start until Api and Worker were healthy.</summary>
    public TimeSpan Started { get; }

    public static Task<Product> StartAsync(string models, params (string Name, string Value)[] environment) =>
        StartAsync(models, replicas: null, environment);

    /// <param name="replicas">
    /// Of Api and Worker, behind the orchestrator's proxy, whatever their number; null for one of each without a proxy.
    /// </param>
    public static async Task<Product> StartAsync(string models, int? replicas, params (string Name, string Value)[] environment)
    {
        using var limit = new CancellationTokenSource(StartLimit);
        var data = Directory.CreateTempSubdirectory("inference-bench-").FullName;
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            [
                $"--Parameters:admin-secret={AdminSecret}",
                $"--Data={data}",
            ],
            limit.Token);
        Adapt(builder, models, replicas, environment);
        var app = await builder.BuildAsync(limit.Token);
        try
        {
            var start = Stopwatch.GetTimestamp();
            await app.StartAsync(limit.Token);
            var resources = app.Services.GetRequiredService<ResourceNotificationService>();
            await resources.WaitForResourceHealthyAsync("worker", limit.Token);
            await resources.WaitForResourceHealthyAsync("api", limit.Token);
            return new Product(app, data, Stopwatch.GetElapsedTime(start));
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <param name="key">The admin's unless one is given.</param>
    public Target Json(BenchModel model, string? name = null, string key = Key) => Target.Create(
        name ?? "product", Api, $"/v2/models/{model.Name}/infer", model.Json,
        $"Authorization: Bearer {key}", "Content-Type: application/json");

    public Target Json(string name, string model, byte[] body, params string[] headers) => Target.Create(
        name, Api, $"/v2/models/{model}/infer", body, [Authorization, "Content-Type: application/json", .. headers]);

    /// <summary>JSON to any path.</summary>
    public Target Post(string name, string path, byte[] body) =>
        Target.Create(name, Api, path, body, Authorization, "Content-Type: application/json");

    /// <summary>The protocol's raw form: the body is the tensor.</summary>
    public Target Binary(BenchModel model, string? name = null) => Target.Create(
        name ?? "product", Api, $"/v2/models/{model.Name}/infer", model.Binary,
        Authorization, "Content-Type: application/octet-stream", "Inference-Header-Content-Length: 0");

    /// <summary>A client with the admin's key.</summary>
    public HttpClient Client()
    {
        var client = new HttpClient { BaseAddress = Api };
        client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
        return client;
    }

    /// <summary>Does something that ends a resource's process, and brings the resource back as an operator would.</summary>
    public async Task BreakAsync(string resource, Func<Task> kill, CancellationToken cancellationToken)
    {
        var resources = _app.Services.GetRequiredService<ResourceNotificationService>();
        var commands = _app.Services.GetRequiredService<ResourceCommandService>();
        var ended = resources.WaitForResourceAsync(
            resource, change => KnownResourceStates.TerminalStates.Contains(change.Snapshot.State?.Text), cancellationToken);
        await kill();
        var id = (await ended).ResourceId;
        var running = resources.WaitForResourceAsync(resource, KnownResourceStates.Running, cancellationToken);

        // Refused while the AppHost does so itself, as it does for services.
        while (await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(1), cancellationToken)) != running)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await commands.ExecuteCommandAsync(id, KnownResourceCommands.StartCommand, cancellationToken);
        }

        await running;
    }

    public async Task<string> ConnectionStringAsync(string resource) => (await _app.GetConnectionStringAsync(resource))!;

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }

    private static string Authorization => $"Authorization: Bearer {Key}";

    private static void Adapt(
        IDistributedApplicationTestingBuilder builder, string models, int? number, (string Name, string Value)[] environment)
    {
        builder.Resources.Remove(builder.Resources.Single(r => r.Name == "web"));
        foreach (var resource in builder.Resources)
        {
            foreach (var mount in resource.Annotations.OfType<ContainerMountAnnotation>().ToList())
            {
                resource.Annotations.Remove(mount);
            }
        }

        foreach (var service in builder.Resources.OfType<ProjectResource>().ToList())
        {
            foreach (var replicas in service.Annotations.OfType<ReplicaAnnotation>().ToList())
            {
                service.Annotations.Remove(replicas);
            }

            foreach (var endpoint in service.Annotations.OfType<EndpointAnnotation>())
            {
                endpoint.Port = null;
                endpoint.IsProxied = number is not null && endpoint.IsProxied;
            }

            if (number > 1)
            {
                service.Annotations.Add(new ReplicaAnnotation(number.Value));
            }

            var added = builder.CreateResourceBuilder(service)
                .WithEnvironment("ASPNETCORE_ENVIRONMENT", "Production")
                .WithEnvironment("DOTNET_ENVIRONMENT", "Production")
                .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", "") // Aspire names one where nobody listens
                .WithEnvironment("Worker__ModelsDirectory", models)
                .WithEnvironment("Worker__Device", "cpu");
            foreach (var (name, value) in environment)
            {
                added.WithEnvironment(name, value);
            }
        }
    }
}
