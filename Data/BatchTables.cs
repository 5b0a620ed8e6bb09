using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace InferenceTemplate.Data;

/// <summary>The tables <c>batches</c> and <c>batch_lines</c>.</summary>
internal static class BatchTables
{
    public static void Describe(EntityTypeBuilder<Batch> batch)
    {
        batch.ToTable("batches");
        batch.Property(b => b.Id).ValueGeneratedNever();
        batch.Property(b => b.TenantId).HasMaxLength(64);
        batch.Property(b => b.KeyId).HasMaxLength(64);
        batch.Property(b => b.KeyName).HasMaxLength(200);
        batch.Property(b => b.Role).HasMaxLength(16);
        batch.Property(b => b.TraceParent).HasMaxLength(55);
        batch.Property(b => b.State).HasMaxLength(16).HasConversion(state => state.Name(), name => BatchStates.Parse(name));

        // Listing: ids sort by time, so newest first is the index backwards.
        batch.HasIndex(b => new { b.TenantId, b.Id }, "ix_batches_tenant");
        batch.HasIndex(b => new { b.TenantId, b.Id }, "ix_batches_pending").HasFilter("state IN ('receiving', 'queued', 'running')");
        batch.HasIndex(b => b.ExpiresAt, "ix_batches_ended").HasFilter("expires_at IS NOT NULL");
    }

    // No foreign key: each check would lock the batch's row once for each line. Whoever removes a batch removes its lines first.
    public static void Describe(EntityTypeBuilder<BatchLine> line)
    {
        line.ToTable("batch_lines");
        line.HasKey(l => new { l.BatchId, l.Number });
        line.Property(l => l.State).HasConversion<short>();
        line.Property(l => l.CustomId).HasMaxLength(256);
        line.Property(l => l.Model).HasMaxLength(128);
        line.Property(l => l.Version).HasMaxLength(32);
        line.HasIndex(l => new { l.BatchId, l.Number }, "ix_batch_lines_pending").HasFilter("state = 0");
    }
}
