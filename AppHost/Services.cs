using System.Globalization;
using InferenceTemplate.AppHost.Lifecycle;

namespace InferenceTemplate.AppHost;

internal static class Services
{
    public const string GrpcEndpoint = "grpc";

    /// <summary>In a container.</summary>
    public const int GrpcPort = 8081;

    private const string Endpoint = "http";
    private const int PublishedPort = 8080;

    // On a developer's machine, beside those of the launch profiles. A project made from the template has another, by this text.
    private static readonly int s_localGrpcPort = new Uri("http://localhost:5103").Port;

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
            .WithReferenceEnvironment(
                ReferenceEnvironmentInjectionFlags.ConnectionString | ReferenceEnvironmentInjectionFlags.ServiceDiscovery);
        if (publishing)
        {
            service.WithHttpEndpoint(targetPort: PublishedPort);
        }

        return service.WithBuiltProgram().WithPromptHealthCheck("/health", Endpoint);
    }

    /// <summary>
    /// Gives a service a second port, for gRPC: without TLS a connection can't tell which of HTTP/1.1 and HTTP/2 it is to speak. It stays
    /// inside; what is published at the edge is the ingress' matter.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithGrpcEndpoint(this IResourceBuilder<ProjectResource> service)
    {
        var publishing = service.ApplicationBuilder.ExecutionContext.IsPublishMode;
        service.WithHttpEndpoint(publishing ? null : s_localGrpcPort, publishing ? GrpcPort : null, GrpcEndpoint)
            .WithEndpoint(GrpcEndpoint, endpoint => endpoint.Transport = "http2", createIfNotExists: false)
            .WithUrlForEndpoint(GrpcEndpoint, url => (url.DisplayText, url.DisplayLocation) = ("gRPC", UrlDisplayLocation.DetailsOnly));
        return service.WithEnvironment("Grpc__Port", service.GetEndpoint(GrpcEndpoint).Property(EndpointProperty.TargetPort));
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
