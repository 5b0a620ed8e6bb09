using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Jobs;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace InferenceTemplate.Data;

/// <summary>The table <c>jobs</c>: an index for each query that runs often, partial wherever few rows are of interest.</summary>
internal static class JobTable
{
    public static void Describe(EntityTypeBuilder<Job> job)
    {
        job.ToTable("jobs");
        job.Property(j => j.Id).ValueGeneratedNever();
        job.Property(j => j.TenantId).HasMaxLength(64);
        job.Property(j => j.Model).HasMaxLength(128);
        job.Property(j => j.Version).HasMaxLength(32);
        job.Property(j => j.RequestedModel).HasMaxLength(128);
        job.Property(j => j.Priority).HasConversion<short>();
        job.Property(j => j.State).HasMaxLength(16).HasConversion(state => state.Name(), name => JobStates.Parse(name));
        job.Property(j => j.RequestId).HasMaxLength(256);
        job.Property(j => j.Worker).HasMaxLength(128);
        job.Property(j => j.TraceId).HasMaxLength(32);
        job.Property(j => j.IdempotencyKey).HasMaxLength(255);

        // With a default, since a release before it writes rows too.
        job.Property(j => j.Cost).HasPrecision(30, CostShare.Decimals).HasDefaultValue(0m);

        // No foreign key to tenants: a check for each row of a group, against the one row that all of them lock.

        // Listing: ids sort by time, so newest first is the index backwards.
        job.HasIndex(j => new { j.TenantId, j.Id }, "ix_jobs_tenant");
        job.HasIndex(j => new { j.TenantId, j.Id }, "ix_jobs_pending").HasFilter("state IN ('queued', 'running')");
        job.HasIndex(j => new { j.TenantId, j.Id }, "ix_jobs_ended_badly").HasFilter("state IN ('failed', 'cancelled', 'dead_lettered')");
        job.HasIndex(j => new { j.TenantId, j.IdempotencyKey }, "ix_jobs_idempotency")
            .IsUnique().HasFilter("idempotency_key IS NOT NULL");

        // Reconciling.
        job.HasIndex(j => j.QueuedAt, "ix_jobs_waiting").HasFilter("state = 'queued'");
        job.HasIndex(j => j.DeadlineAt, "ix_jobs_deadlines").HasFilter("state = 'queued'");
        job.HasIndex(j => j.LeaseUntil, "ix_jobs_leases").HasFilter("state = 'running'");
        job.HasIndex(j => j.ExpiresAt, "ix_jobs_results").HasFilter("outputs IS NOT NULL");
        job.HasIndex(j => j.ExpiresAt, "ix_jobs_requests").HasFilter("request IS NOT NULL AND finished_at IS NOT NULL");
        job.HasIndex(j => j.ExpiresAt, "ix_jobs_finished").HasFilter("finished_at IS NOT NULL");
    }
}
