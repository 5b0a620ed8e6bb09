using Aspire.Hosting.Running;

namespace Aspire.Hosting.ApplicationModel;

#pragma warning disable ASPIREPROBES001 // the interface is experimental, that these resources have probes is not

/// <summary>A container. Run mode has none: a server that its own library can start from a local binary runs as that.</summary>
public class ContainerResource(string name, string? entrypoint = null)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport, IResourceWithProbes, IComputeResource
{
    public string? Entrypoint { get; set; } = entrypoint;
}

/// <summary>A local command.</summary>
public class ExecutableResource(string name, string command, string workingDirectory)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport, IResourceWithProbes, IComputeResource
{
    public string Command { get; } = command;
    public string WorkingDirectory { get; } = workingDirectory;
}

/// <summary>A .NET project.</summary>
public class ProjectResource(string name)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport, IResourceWithProbes, IComputeResource
{
    internal LaunchProfiles Profiles => field ??= new(this);
}
