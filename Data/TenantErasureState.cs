using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace InferenceTemplate.Data;

/// <summary>How far the erasure of a deleted tenant is. It holds no personal data and stays.</summary>
public sealed class TenantErasureState
{
    public required string TenantId { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    /// <summary>Null while it goes on; what a crash interrupted begins again.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Rows removed or made anonymous so far, in all.</summary>
    public long Rows { get; init; }
}

internal static class TenantErasureTable
{
    public static void Describe(EntityTypeBuilder<TenantErasureState> erasure)
    {
        erasure.ToTable("tenant_erasures");
        erasure.HasKey(e => e.TenantId);
        erasure.Property(e => e.TenantId).HasMaxLength(64);
    }
}
