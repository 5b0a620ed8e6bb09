using System.Collections.Immutable;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>How a resource is at one moment.</summary>
public sealed record CustomResourceSnapshot
{
    public required string ResourceType { get; init; }
    public ResourceStateSnapshot? State { get; init; }
    public int? ExitCode { get; init; }
    public ImmutableArray<HealthReportSnapshot> HealthReports { get; internal init; } = [];
    public HealthStatus? HealthStatus { get; internal init; }
    internal bool IsReady { get; init; }
    internal string? Reason { get; init; }
    internal bool IsOver => KnownResourceStates.TerminalStates.Contains(State?.Text ?? string.Empty);
}

/// <summary>A state, as text and as colour.</summary>
public sealed record ResourceStateSnapshot(string Text, string? Style)
{
    public static implicit operator ResourceStateSnapshot?(string? s) => s is null ? null : new(s, null);
}

/// <summary>The result of one health check.</summary>
public sealed record HealthReportSnapshot(string Name, HealthStatus? Status, string? Description, string? ExceptionText);

/// <summary>A change of a resource.</summary>
public class ResourceEvent(IResource resource, string resourceId, CustomResourceSnapshot snapshot)
{
    public IResource Resource { get; } = resource;
    public string ResourceId { get; } = resourceId;
    public CustomResourceSnapshot Snapshot { get; } = snapshot;
}

/// <summary>The states that a resource goes through.</summary>
public static class KnownResourceStates
{
    public static readonly string Waiting = nameof(Waiting);
    public static readonly string Starting = nameof(Starting);
    public static readonly string Running = nameof(Running);
    public static readonly string FailedToStart = nameof(FailedToStart);
    public static readonly string Finished = nameof(Finished);
    public static readonly string Exited = nameof(Exited);
    public static readonly IReadOnlyList<string> TerminalStates = [Finished, FailedToStart, Exited];
}
