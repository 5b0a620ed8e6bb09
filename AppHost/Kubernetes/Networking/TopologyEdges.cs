namespace InferenceTemplate.AppHost.Kubernetes.Networking;

/// <summary>The hops that AppHost.cs draws: who references whom.</summary>
internal static class TopologyEdges
{
    /// <summary>The components that a resource calls, with the ports at which they listen.</summary>
    public static IEnumerable<(string Component, int Port)> From(IDistributedApplicationBuilder builder, IResource caller) =>
        from target in Referenced(caller)
        where builder.Resources.Contains(target)
        from port in Ports(target)
        select (target.Name, port);

    /// <summary>The components that call a resource, with the ports at which it listens.</summary>
    public static IEnumerable<(string Component, int Port)> To(IDistributedApplicationBuilder builder, IResource called) =>
        from caller in builder.Resources.OfType<ProjectResource>()
        where Referenced(caller).Contains(called)
        from port in Ports(called)
        select (caller.Name, port);

    // A database is reached at its server.
    private static IEnumerable<IResource> Referenced(IResource caller) => caller.Annotations.OfType<ResourceRelationshipAnnotation>()
        .Where(relationship => relationship.Type == "Reference")
        .Select(relationship => relationship.Resource is PostgresDatabaseResource database ? database.Parent : relationship.Resource)
        .Where(target => target.Annotations.OfType<EndpointAnnotation>().Any())
        .Distinct();

    private static IEnumerable<int> Ports(IResource resource) =>
        resource.Annotations.OfType<EndpointAnnotation>().Select(endpoint => endpoint.TargetPort).OfType<int>().Distinct();
}
