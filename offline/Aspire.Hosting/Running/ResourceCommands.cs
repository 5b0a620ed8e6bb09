using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Running;

/// <summary>The command that each replica of a resource runs.</summary>
internal sealed class ResourceCommands(
    IResource resource, AppHost appHost, DataDirectory data, EndpointAllocation endpoints, DistributedApplicationExecutionContext context)
{
    /// <summary>Throws if the resource cannot be started here, before anything is.</summary>
    public void Check()
    {
        switch (resource)
        {
            case ProjectResource project:
                appHost.OutputOf(project.Name, project.GetProjectMetadata().ProjectPath);
                break;
            case ContainerResource when resource.TryGetLastAnnotation<LocalServer>(out var server):
                server.Check();
                break;
        }
    }

    public async Task<ProcessSpec> SpecAsync(int replica, CancellationToken cancellationToken)
    {
        if (resource.TryGetLastAnnotation<LocalServer>(out var server))
        {
            var endpoint = resource.Annotations.OfType<EndpointAnnotation>().First();
            var directory = data.PathFor(resource.Name);
            if (!resource.HasAnnotationOfType<ContainerMountAnnotation>() && Directory.Exists(directory))
            {
                // Without a volume a container starts empty.
                Directory.Delete(directory, recursive: true);
            }

            PrivateFile.CreateDirectory(directory);
            return await server.PrepareAsync(new(data, directory, endpoints.Target(replica, endpoint.Name)), cancellationToken);
        }

        var instanceId = Guid.NewGuid().ToString("n")[..8];
        var environment = (await Evaluation.EnvironmentAsync(resource, context, cancellationToken))
            .ToDictionary(v => v.Key, v => endpoints.Fill(v.Text, replica, instanceId), StringComparer.Ordinal);
        var arguments = (await Evaluation.ArgumentsAsync(resource, context, cancellationToken))
            .Select(a => endpoints.Fill(a.Text, replica, instanceId));
        return resource switch
        {
            ProjectResource project => Project(project, arguments) with { Environment = environment },
            ExecutableResource executable => new(executable.Command, [.. arguments], executable.WorkingDirectory) { Environment = environment },
            _ => throw new DistributedApplicationException(
                $"'{resource.Name}' is a container, and this build of the AppHost has no container runtime. Leave it out of run mode, or run the AppHost with the real packages."),
        };
    }

    private ProcessSpec Project(ProjectResource project, IEnumerable<string> arguments)
    {
        var path = project.GetProjectMetadata().ProjectPath;
        var profile = project.Profiles.Effective?.CommandLineArgs?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return new(Dotnet(), [appHost.OutputOf(project.Name, path), .. profile, .. arguments], Path.GetDirectoryName(path)!);
    }

    /// <summary>The dotnet that runs this process, so that its services run on the same.</summary>
    private static string Dotnet() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath!
        : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")
        ?? (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { } root ? Path.Combine(root, "dotnet") : "dotnet");
}
