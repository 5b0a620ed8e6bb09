using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>What a probe decides.</summary>
[Experimental("ASPIREPROBES001", UrlFormat = "https://aka.ms/aspire/diagnostics/{0}")]
public enum ProbeType
{
    Startup,
    Readiness,
    Liveness,
}

/// <summary>A probe of the running resource; Kubernetes has the same fields.</summary>
[Experimental("ASPIREPROBES001", UrlFormat = "https://aka.ms/aspire/diagnostics/{0}")]
public abstract class ProbeAnnotation : IResourceAnnotation
{
    public required ProbeType Type { get; init; }
    public int InitialDelaySeconds { get; init; } = 5;
    public int PeriodSeconds { get; init; } = 5;
    public int TimeoutSeconds { get; init; } = 1;
    public int FailureThreshold { get; init; } = 3;
    public int SuccessThreshold { get; init; } = 1;
}

/// <summary>A probe by HTTP GET.</summary>
[Experimental("ASPIREPROBES001", UrlFormat = "https://aka.ms/aspire/diagnostics/{0}")]
public sealed class EndpointProbeAnnotation : ProbeAnnotation
{
    public required EndpointReference EndpointReference { get; init; }
    public required string Path { get; init; }
}
