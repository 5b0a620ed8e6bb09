using InferenceTemplate.Core.Costs;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Data;

/// <summary>Tables of use. Without foreign keys to tenants and models: sums outlive both.</summary>
internal static class UsageSchema
{
    public static void Add(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<UsageEntry>(entry =>
        {
            entry.ToTable("usage_entries");
            entry.Property(e => e.Id).ValueGeneratedNever();
            entry.Property(e => e.TenantId).HasMaxLength(64);
            entry.Property(e => e.Model).HasMaxLength(128);
            entry.Property(e => e.Version).HasMaxLength(32);
            entry.Property(e => e.Cost).HasPrecision(30, CostShare.Decimals);

            // Replicas of before write none.
            entry.Property(e => e.PromptTokens).HasDefaultValue(0L);
            entry.Property(e => e.CompletionTokens).HasDefaultValue(0L);
        });

        modelBuilder.Entity<UsageWriter>(writer =>
        {
            writer.ToTable("usage_writers");
            writer.Property(w => w.Id).ValueGeneratedNever();
        });

        modelBuilder.Entity<UsageHour>(hour =>
        {
            hour.ToTable("usage_hours");
            hour.HasKey(h => new { h.TenantId, h.Hour, h.Model, h.Version });
            hour.Property(h => h.TenantId).HasMaxLength(64);
            hour.Property(h => h.Model).HasMaxLength(128);
            hour.Property(h => h.Version).HasMaxLength(32);
            hour.Property(h => h.Cost).HasPrecision(30, CostShare.Decimals);
            hour.Property(h => h.PromptTokens).HasDefaultValue(0L);
            hour.Property(h => h.CompletionTokens).HasDefaultValue(0L);
            hour.HasIndex(h => h.Hour);
        });

        modelBuilder.Entity<TenantMonth>(month =>
        {
            month.ToTable("tenant_months");
            month.HasKey(m => new { m.TenantId, m.Month });
            month.Property(m => m.TenantId).HasMaxLength(64);
            month.Property(m => m.Cost).HasPrecision(30, CostShare.Decimals);
            month.Property(m => m.Tokens).HasDefaultValue(0L);
        });
    }
}
