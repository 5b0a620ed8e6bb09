using System.Globalization;
using InferenceTemplate.AppHost.Lifecycle;

namespace InferenceTemplate.AppHost;

internal static class Services
{
    private const string Endpoint = "http";
    private const int PublishedPort = 8080;

    /// <summary>Where replicas of the Api reach a worker directly, in its container.</summary>
    public const int DirectPort = 8081;

    /// <summary>
    /// Adds one of the product's services with the endpoint <c>http</c> and its health check. When publishing, the launch
    /// profile, which describes a developer's machine, is left out: one port, in the container, and no https binding that nothing answers.
    /// </summary>
    public static IResourceBuilder<ProjectResource> AddService<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new()
    {
        var publishing = builder.ExecutionContext.IsPublishMode;
        // The parts of a connection (host, password, URI) are for other languages; aspirate has no filter to encode the URI's.
        var service = builder.AddProject<TProject>(name, options => options.ExcludeLaunchProfile = publishing)
            .WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ConnectionString | ReferenceEnvironmentInjectionFlags.ServiceDiscovery);
        if (publishing)
        {
            service.WithHttpEndpoint(targetPort: PublishedPort);
        }

        return service.WithBuiltProgram().WithHttpHealthCheck("/health", endpointName: Endpoint);
    }

    /// <summary>
    /// The port for direct calls. Replicas call a worker by its own address, so on a developer's machine each worker takes a free port
    /// and no proxy stands before it.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithDirectPort(this IResourceBuilder<ProjectResource> worker) =>
        worker.ApplicationBuilder.ExecutionContext.IsPublishMode
            ? worker.WithEndpoint("direct", endpoint => (endpoint.UriScheme, endpoint.TargetPort) = ("tcp", DirectPort))
                .WithEnvironment("Direct__Port", DirectPort.ToString(CultureInfo.InvariantCulture))
            : worker.WithEnvironment("Direct__Host", "127.0.0.1");

    /// <summary>Names the pages of a service in the Aspire dashboard; the first one takes the place of the bare address.</summary>
    public static IResourceBuilder<ProjectResource> WithPages(
        this IResourceBuilder<ProjectResource> service, (string Name, string Path) first, params (string Name, string Path)[] others)
    {
        service.WithUrlForEndpoint(Endpoint, url =>
        {
            url.DisplayText = first.Name;
            url.Url += first.Path;
        });
        foreach (var (name, path) in others)
        {
            service.WithUrlForEndpoint(Endpoint, _ => new ResourceUrlAnnotation { DisplayText = name, Url = path });
        }

        return service;
    }
}
