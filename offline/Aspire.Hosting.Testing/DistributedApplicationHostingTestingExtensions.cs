using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Testing;

/// <summary>Ways into an application that runs under a test.</summary>
public static class DistributedApplicationHostingTestingExtensions
{
    public static HttpClient CreateHttpClient(this DistributedApplication app, string resourceName, string? endpointName = default)
    {
        var client = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
        client.BaseAddress = app.GetEndpoint(resourceName, endpointName);
        return client;
    }

    public static ValueTask<string?> GetConnectionStringAsync(
        this DistributedApplication app, string resourceName, CancellationToken cancellationToken = default) =>
        Find(app, resourceName) is IResourceWithConnectionString resource
            ? resource.GetConnectionStringAsync(cancellationToken)
            : throw new ArgumentException($"Resource '{resourceName}' does not expose a connection string.", nameof(resourceName));

    public static Uri GetEndpoint(this DistributedApplication app, string resourceName, string? endpointName = default)
    {
        var resource = Find(app, resourceName) as IResourceWithEndpoints
            ?? throw new InvalidOperationException($"Resource '{resourceName}' has no endpoints.");
        string[] names = endpointName is null ? ["https", "http"] : [endpointName];
        var endpoint = names.Select(resource.GetEndpoint).FirstOrDefault(e => e.Exists)
            ?? throw new ArgumentException($"Endpoint '{endpointName ?? "http"}' for resource '{resourceName}' not found.", nameof(endpointName));
        return new(endpoint.Url);
    }

    private static IResource Find(DistributedApplication app, string name) =>
        app.Services.GetRequiredService<DistributedApplicationModel>().Resources.TryGetByName(name, out var resource)
            ? resource
            : throw new ArgumentException($"Resource '{name}' not found.", nameof(name));
}
