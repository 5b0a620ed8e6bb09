namespace InferenceTemplate.AppHost;

internal static class Services
{
    private const int PublishedPort = 8080;

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

        return service.WithHttpHealthCheck("/health", endpointName: "http");
    }
}
