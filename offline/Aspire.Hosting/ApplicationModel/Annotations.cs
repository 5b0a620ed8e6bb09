namespace Aspire.Hosting.ApplicationModel;

/// <summary>Names a health check that tells whether the resource is healthy.</summary>
public class HealthCheckAnnotation(string key) : IResourceAnnotation
{
    public string Key { get; } = key;
}

/// <summary>How many processes or pods a resource has.</summary>
public class ReplicaAnnotation(int replicas = 1) : IResourceAnnotation
{
    public int Replicas { get; } = replicas;
}

/// <summary>Says how a resource stands to another, such as <c>Reference</c>.</summary>
public sealed class ResourceRelationshipAnnotation(IResource resource, string type) : IResourceAnnotation
{
    public IResource Resource { get; } = resource;
    public string Type { get; } = type;
}

/// <summary>Which launch profile of its launchSettings.json a project starts with.</summary>
public sealed class LaunchProfileAnnotation(string launchProfileName) : IResourceAnnotation
{
    public string LaunchProfileName { get; } = launchProfileName;
}

/// <summary>Says that a project starts with no launch profile.</summary>
public sealed class ExcludeLaunchProfileAnnotation : IResourceAnnotation;

/// <summary>A URL to show to people.</summary>
public sealed class ResourceUrlAnnotation : IResourceAnnotation
{
    public required string Url { get; set; }
    public string? DisplayText { get; set; }
    public EndpointReference? Endpoint { get; init; }
}

/// <summary>The image of a container.</summary>
public sealed class ContainerImageAnnotation : IResourceAnnotation
{
    public string? Registry { get; set; }
    public required string Image { get; set; }
    public string? Tag { get; set; }
}

/// <summary>Where the files of a mount come from.</summary>
public enum ContainerMountType
{
    BindMount,
    Volume,
}

/// <summary>A volume or folder in a container.</summary>
public sealed class ContainerMountAnnotation(string? source, string target, ContainerMountType type, bool isReadOnly) : IResourceAnnotation
{
    public string? Source { get; } = source;
    public string Target { get; } = target;
    public ContainerMountType Type { get; } = type;
    public bool IsReadOnly { get; } = isReadOnly;
}

/// <summary>A reference to endpoints of another resource, gathered over all WithReference calls to it.</summary>
internal sealed class EndpointReferences(IResourceWithEndpoints resource) : IResourceAnnotation
{
    public IResourceWithEndpoints Resource { get; } = resource;
    public bool UseAll { get; set; }
    public HashSet<string> Names { get; } = new(StringComparer.OrdinalIgnoreCase);
}

/// <summary>Changes the URLs that are shown for one endpoint.</summary>
internal sealed record UrlForEndpoint(string EndpointName, Action<ResourceUrlAnnotation> Change) : IResourceAnnotation;
