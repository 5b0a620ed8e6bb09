using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace InferenceTemplate.Data;

/// <summary>
/// What the values of a tensor were like in some requests, of all tenants together: <see cref="Values"/> with their weights. Each request
/// weighs one, however many values it had.
/// </summary>
public abstract class DriftDistributionRow
{
    public required string Model { get; init; }

    public required string Version { get; init; }

    public required string Tensor { get; init; }

    public bool IsOutput { get; init; }

    /// <summary><c>numbers</c>, <c>categories</c>, or <c>class</c> for the index of a row's largest element.</summary>
    public required string Kind { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset EndedAt { get; init; }

    public int Requests { get; init; }

    /// <summary>Weight of what was NaN or infinite.</summary>
    public double NotFinite { get; init; }

    /// <summary>Weight of the requests whose tensor had no element.</summary>
    public double Empty { get; init; }

    /// <summary>In ascending order: all that there were if they are few, else quantiles.</summary>
    public required double[] Values { get; init; }

    public required double[] Weights { get; init; }
}

/// <summary>What one Api replica saw of a version's tensor in up to a minute.</summary>
public sealed class DriftWindow : DriftDistributionRow
{
    public Guid Id { get; init; }

    /// <summary>As what the version answered, such as <c>canary</c> (<see cref="Core.Queue.TrafficRole"/>).</summary>
    public required string Role { get; init; }
}

/// <summary>What later windows of the version are compared with.</summary>
public sealed class DriftBaseline : DriftDistributionRow
{
    public DateTimeOffset FixedAt { get; init; }

    /// <summary>Name of the API key that had it fixed, or <see cref="TrafficDecision.Automatic"/>.</summary>
    public required string Actor { get; init; }
}

internal static class DriftSchema
{
    public const int MaxTensorName = 256;

    public static void Add(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<DriftWindow>(window =>
        {
            window.ToTable("drift_windows");
            Describe(window);
            window.Property(w => w.Role).HasMaxLength(8);
            window.HasIndex(w => new { w.Model, w.Version, w.EndedAt });
            window.HasIndex(w => w.EndedAt);
        });
        modelBuilder.Entity<DriftBaseline>(baseline =>
        {
            baseline.ToTable("drift_baselines");
            baseline.HasKey(b => new { b.Model, b.Version, b.IsOutput, b.Tensor, b.Kind });
            Describe(baseline);
            baseline.Property(b => b.Actor).HasMaxLength(200);
        });
    }

    private static void Describe<T>(EntityTypeBuilder<T> row)
        where T : DriftDistributionRow
    {
        row.Property(r => r.Model).HasMaxLength(128);
        row.Property(r => r.Version).HasMaxLength(32);
        row.Property(r => r.Tensor).HasMaxLength(MaxTensorName);
        row.Property(r => r.Kind).HasMaxLength(16);
    }
}
