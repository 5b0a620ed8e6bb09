using Aspire.Hosting.Publishing;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Sets environment variables of a resource, each time they are evaluated.</summary>
public class EnvironmentCallbackAnnotation(Func<EnvironmentCallbackContext, Task> callback) : IResourceAnnotation
{
    public Func<EnvironmentCallbackContext, Task> Callback { get; } = callback;
}

/// <summary>What an environment callback works on.</summary>
public class EnvironmentCallbackContext(
    DistributedApplicationExecutionContext executionContext,
    IResource resource,
    Dictionary<string, object>? environmentVariables = null,
    CancellationToken cancellationToken = default)
{
    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;
    public IResource Resource { get; } = resource;
    public Dictionary<string, object> EnvironmentVariables { get; } = environmentVariables ?? [];
    public CancellationToken CancellationToken { get; } = cancellationToken;
}

/// <summary>Adds command line arguments of a resource, each time they are evaluated.</summary>
public class CommandLineArgsCallbackAnnotation(Func<CommandLineArgsCallbackContext, Task> callback) : IResourceAnnotation
{
    public Func<CommandLineArgsCallbackContext, Task> Callback { get; } = callback;
}

/// <summary>What an arguments callback works on.</summary>
public sealed class CommandLineArgsCallbackContext(IList<object> args, IResource resource, CancellationToken cancellationToken = default)
{
    public IList<object> Args { get; } = args;
    public IResource Resource { get; } = resource;
    public required DistributedApplicationExecutionContext ExecutionContext { get; init; }
    public CancellationToken CancellationToken { get; } = cancellationToken;
}

/// <summary>Writes a resource to the manifest in its own way.</summary>
public class ManifestPublishingCallbackAnnotation(Func<ManifestPublishingContext, Task>? callback) : IResourceAnnotation
{
    public Func<ManifestPublishingContext, Task>? Callback { get; } = callback;
    public static ManifestPublishingCallbackAnnotation Ignore { get; } = new(null);
}
