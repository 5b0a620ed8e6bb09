namespace InferenceTemplate.Data;

/// <summary>One mirrored request: how its shadow's answer compares with the one that the caller got.</summary>
public sealed class ShadowComparison
{
    public Guid Id { get; init; }

    public DateTimeOffset ComparedAt { get; init; }

    public required string Model { get; init; }

    /// <summary>The version that answered the caller.</summary>
    public required string Version { get; init; }

    public required string ShadowVersion { get; init; }

    /// <summary>Whether every output agreed; null where the shadow gave none.</summary>
    public bool? Agreed { get; init; }

    /// <summary>The largest distance between floating-point elements, infinite where one is NaN; null without any to compare.</summary>
    public double? MaxDifference { get; init; }

    public long ComputeMicroseconds { get; init; }

    public long ShadowComputeMicroseconds { get; init; }

    /// <summary>Why there is nothing to compare; null where there is.</summary>
    public string? Error { get; init; }
}
