namespace InferenceTemplate.AppHost.Kubernetes.Servers;

internal static class ManagedServers
{
    /// <summary>
    /// Leaves the server out of the chart: those who use it get a secret parameter, <c>{connection}-connection</c>, in its stead. What turns
    /// TLS on is appended here, so that a connection without it cannot be given.
    /// </summary>
    public static void UseManaged(
        this IDistributedApplicationBuilder builder, IResource server, string connection, string tls, params IResourceBuilder<ProjectResource>[] users)
    {
        foreach (var resource in builder.Resources.Where(resource => resource == server || resource.Name == $"{server.Name}-password"
            || (resource is IResourceWithParent child && child.Parent == server)).ToList())
        {
            builder.Resources.Remove(resource);
        }

        var parameter = builder.AddSecret($"{connection}-connection", length: 32);
        var variable = $"ConnectionStrings__{connection}";
        foreach (var user in users)
        {
            user.WithEnvironment(variable, parameter)
                .WithEnvironment(context => context.EnvironmentVariables.Remove($"{connection.ToUpperInvariant()}_PASSWORD"))
                .PublishAsKubernetesService(published => published.Secret!.StringData[variable] += tls);
        }
    }
}
