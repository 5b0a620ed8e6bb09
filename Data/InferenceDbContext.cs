using System.Text.Json;
using InferenceTemplate.Core.Costs;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Data;

/// <summary>The schema and its administration. The hot path uses Npgsql directly on the same tables.</summary>
public sealed class InferenceDbContext(DbContextOptions<InferenceDbContext> options) : DbContext(options)
{
    public DbSet<Tenant> Tenants => Set<Tenant>();

    public DbSet<ApiKey> ApiKeys => Set<ApiKey>();

    public DbSet<Model> Models => Set<Model>();

    public DbSet<ModelVersion> ModelVersions => Set<ModelVersion>();

    public DbSet<SampleRequest> SampleRequests => Set<SampleRequest>();

    public DbSet<ModelAlias> ModelAliases => Set<ModelAlias>();

    public DbSet<ModelEvent> ModelEvents => Set<ModelEvent>();

    public DbSet<Artifact> Artifacts => Set<Artifact>();

    public DbSet<LooseBlob> LooseBlobs => Set<LooseBlob>();

    public DbSet<Prediction> Predictions => Set<Prediction>();

    public DbSet<TrafficMinute> TrafficMinutes => Set<TrafficMinute>();

    public DbSet<TrafficModelMinute> TrafficModelMinutes => Set<TrafficModelMinute>();

    public DbSet<QueueMinute> QueueMinutes => Set<QueueMinute>();

    public DbSet<TrafficDecision> TrafficDecisions => Set<TrafficDecision>();

    public DbSet<ShadowComparison> ShadowComparisons => Set<ShadowComparison>();

    public DbSet<DriftWindow> DriftWindows => Set<DriftWindow>();

    public DbSet<DriftBaseline> DriftBaselines => Set<DriftBaseline>();

    public DbSet<RequestPayload> RequestPayloads => Set<RequestPayload>();

    public DbSet<Job> Jobs => Set<Job>();

    public DbSet<UsageHour> UsageHours => Set<UsageHour>();

    public DbSet<TenantMonth> TenantMonths => Set<TenantMonth>();

    public DbSet<AuditEntry> AuditEntries => Set<AuditEntry>();

    public DbSet<AuditActor> AuditActors => Set<AuditActor>();

    public DbSet<AuditDetails> AuditDetails => Set<AuditDetails>();

    public DbSet<TenantErasureState> TenantErasures => Set<TenantErasureState>();

    public DbSet<FeatureFlag> FeatureFlags => Set<FeatureFlag>();

    public DbSet<Batch> Batches => Set<Batch>();

    public DbSet<BatchLine> BatchLines => Set<BatchLine>();

    public DbSet<IdempotencyKey> IdempotencyKeys => Set<IdempotencyKey>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<Tenant>(tenant =>
        {
            tenant.ToTable("tenants");
            tenant.Property(t => t.Id).HasMaxLength(64);
            tenant.Property(t => t.Name).HasMaxLength(200);
            tenant.Property(t => t.MonthlyBudget).HasPrecision(18, 4);
            tenant.Property(t => t.PriorityCeiling).HasConversion<short?>();
            tenant.HasData(new Tenant
            {
                Id = Tenant.DefaultId,
                Name = "Default",
                CreatedAt = DateTimeOffset.UnixEpoch,
                RequestsPerMinute = 0,
                MaxConcurrency = 0,
                MonthlyInferences = 0,
                MonthlyBudget = 0,
                MonthlyTokens = 0,
            });
        });

        modelBuilder.Entity<ApiKey>(key =>
        {
            key.ToTable("api_keys");
            key.Property(k => k.Prefix).HasMaxLength(32);
            key.Property(k => k.TenantId).HasMaxLength(64);
            key.Property(k => k.Name).HasMaxLength(200);
            key.Property(k => k.Role).HasMaxLength(16);
            key.Property(k => k.CreatedBy).HasMaxLength(200);
            key.HasIndex(k => k.TenantId);
            key.HasIndex(k => k.Name);
            key.HasIndex(k => k.Prefix).IsUnique();
            key.HasOne<Tenant>().WithMany().HasForeignKey(k => k.TenantId);
        });

        RegistrySchema.Add(modelBuilder);

        modelBuilder.Entity<Prediction>(prediction =>
        {
            prediction.ToTable("predictions");
            prediction.Property(p => p.TenantId).HasMaxLength(64);
            prediction.Property(p => p.Model).HasMaxLength(128);
            prediction.Property(p => p.Version).HasMaxLength(32);
            prediction.Property(p => p.Worker).HasMaxLength(128);
            prediction.Property(p => p.TraceId).HasMaxLength(32);
            prediction.Property(p => p.Role).HasMaxLength(8);
            prediction.Property(p => p.Priority).HasMaxLength(8);
            prediction.Property(p => p.Cost).HasPrecision(30, CostShare.Decimals);
            prediction.Property(p => p.Error).HasMaxLength(Prediction.MaxError);
            prediction.HasIndex(p => new { p.TenantId, p.ReceivedAt });

            // Failures are few, and what is looked for most.
            prediction.HasIndex(p => new { p.ReceivedAt, p.TenantId }).HasFilter("status <> 200");

            // Which models are busy is read from the index alone.
            prediction.HasIndex(p => p.ReceivedAt).IncludeProperties(p => new { p.Model, p.Version });
        });

        modelBuilder.Entity<TrafficDecision>(decision =>
        {
            decision.ToTable("traffic_decisions");
            decision.Property(d => d.Model).HasMaxLength(128);
            decision.Property(d => d.Action).HasMaxLength(16);
            decision.Property(d => d.Actor).HasMaxLength(200);
            decision.Property(d => d.Version).HasMaxLength(32);
            decision.Property(d => d.Policy).HasColumnType("jsonb");
            decision.HasIndex(d => new { d.Model, d.DecidedAt });
            decision.HasIndex(d => d.DecidedAt);
            decision.HasIndex(d => d.Id, "ix_traffic_decisions_unaudited").HasFilter("NOT audited");
        });

        modelBuilder.Entity<TrafficMinute>(minute =>
        {
            minute.ToTable("traffic_minutes");
            minute.HasKey(m => m.Minute);
        });

        modelBuilder.Entity<TrafficModelMinute>(minute =>
        {
            minute.ToTable("traffic_model_minutes");
            minute.HasKey(m => new { m.Minute, m.Model, m.Version });
            minute.Property(m => m.Model).HasMaxLength(128);
            minute.Property(m => m.Version).HasMaxLength(32);
        });

        modelBuilder.Entity<QueueMinute>(minute =>
        {
            minute.ToTable("queue_minutes");
            minute.HasKey(m => m.Minute);
        });

        modelBuilder.Entity<ShadowComparison>(comparison =>
        {
            comparison.ToTable("shadow_comparisons");
            comparison.Property(c => c.Model).HasMaxLength(128);
            comparison.Property(c => c.Version).HasMaxLength(32);
            comparison.Property(c => c.ShadowVersion).HasMaxLength(32);
            comparison.HasIndex(c => new { c.Model, c.ComparedAt });
            comparison.HasIndex(c => c.ComparedAt);
        });

        modelBuilder.Entity<Job>(JobTable.Describe);
        DriftSchema.Add(modelBuilder);
        modelBuilder.Entity<RequestPayload>(RequestPayload.Describe);
        UsageSchema.Add(modelBuilder);
        AuditSchema.Add(modelBuilder);
        modelBuilder.Entity<TenantErasureState>(TenantErasureTable.Describe);
        modelBuilder.Entity<FeatureFlag>(FeatureFlagTable.Describe);
        modelBuilder.Entity<Batch>(BatchTables.Describe);
        modelBuilder.Entity<BatchLine>(BatchTables.Describe);
        modelBuilder.Entity<IdempotencyKey>(IdempotencyKey.Describe);

        foreach (var property in modelBuilder.Model.GetEntityTypes().SelectMany(e => e.GetProperties()))
        {
            property.SetColumnName(JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name));
        }
    }
}
