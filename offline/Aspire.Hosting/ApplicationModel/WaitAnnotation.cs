namespace Aspire.Hosting.ApplicationModel;

/// <summary>What a resource waits for.</summary>
public enum WaitType
{
    WaitUntilHealthy,
    WaitForCompletion,
    WaitUntilStarted,
}

/// <summary>What to do when the awaited resource fails.</summary>
public enum WaitBehavior
{
    WaitOnResourceUnavailable,
    StopOnResourceUnavailable,
}

/// <summary>Says that a resource starts after another.</summary>
public class WaitAnnotation(IResource resource, WaitType waitType, int exitCode = 0) : IResourceAnnotation
{
    public IResource Resource { get; } = resource;
    public WaitType WaitType { get; } = waitType;
    public int ExitCode { get; } = exitCode;
    public WaitBehavior? WaitBehavior { get; set; }
}
