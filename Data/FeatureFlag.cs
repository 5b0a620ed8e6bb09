using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace InferenceTemplate.Data;

/// <summary>A switch of the product, changed while it runs.</summary>
public sealed class FeatureFlag
{
    public required string Name { get; init; }

    /// <summary>Off for everybody where false.</summary>
    public bool Enabled { get; init; }

    /// <summary>Tenants that have it, whatever the percentage; null for none in particular.</summary>
    public string[]? Tenants { get; init; }

    /// <summary>Tenants that don't have it.</summary>
    public string[]? ExcludedTenants { get; init; }

    /// <summary>Share of all other tenants that have it, 0 to 100; a tenant stays on its side of it.</summary>
    public double Percentage { get; init; }

    public string? Description { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }
}

internal static class FeatureFlagTable
{
    public static void Describe(EntityTypeBuilder<FeatureFlag> flag)
    {
        flag.ToTable("feature_flags");
        flag.HasKey(f => f.Name);
        flag.Property(f => f.Name).HasMaxLength(64);
        flag.Property(f => f.Description).HasMaxLength(300);
    }
}
