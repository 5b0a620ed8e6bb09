namespace Aspire.Hosting.ApplicationModel;

/// <summary>What a resource waits for.</summary>
public enum WaitType
{
    /// <summary>That the other is healthy and its ready event was handled.</summary>
    WaitUntilHealthy,

    /// <summary>That the other has ended.</summary>
    WaitForCompletion,

    /// <summary>That the other runs.</summary>
    WaitUntilStarted,
}

/// <summary>What to do when the awaited resource fails.</summary>
public enum WaitBehavior
{
    /// <summary>Go on waiting: it may be started again.</summary>
    WaitOnResourceUnavailable,

    /// <summary>Fail too.</summary>
    StopOnResourceUnavailable,
}

/// <summary>Says that a resource starts after another.</summary>
public class WaitAnnotation(IResource resource, WaitType waitType, int exitCode = 0) : IResourceAnnotation
{
    /// <summary>The other.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>What to wait for.</summary>
    public WaitType WaitType { get; } = waitType;

    /// <summary>The exit code that counts as success, for <see cref="WaitType.WaitForCompletion"/>.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>What to do when it fails; null for the default, <see cref="WaitBehavior.StopOnResourceUnavailable"/>.</summary>
    public WaitBehavior? WaitBehavior { get; set; }
}
