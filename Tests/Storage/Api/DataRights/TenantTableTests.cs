using InferenceTemplate.Api.DataRights;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Tests.Storage;

/// <summary>No table of a tenant can be forgotten: whoever adds one hears of it here, or it is covered by itself.</summary>
public sealed class TenantTableTests
{
    // Tables without rows of a tenant. Before you add one: is there really nothing of a tenant in it? If there is, give it a
    // property TenantId, or {Entity}Id of what it is a part of; export and erasure then find it.
    private static readonly HashSet<string> Platform =
    [
        "models", "model_versions", "sample_requests", "model_aliases", "model_events", "artefacts", "artefact_chunks", "loose_blobs",
        "traffic_decisions", "traffic_minutes", "traffic_model_minutes", "queue_minutes", "shadow_comparisons", "feature_flags", "drift_windows",
        "drift_baselines", "usage_writers",
    ];

    [Fact]
    public void Every_table_is_a_tenants_or_known_to_be_the_platforms()
    {
        using var context = new InferenceDbContext(new DbContextOptionsBuilder<InferenceDbContext>().UseNpgsql("Host=unused").Options);
        var covered = TenantTable.All(context.Model).Select(t => t.Name).ToHashSet(StringComparer.Ordinal);

        var all = context.Model.GetEntityTypes().Select(e => e.GetTableName()!).ToList();
        Assert.Equal([], all.Where(t => !covered.Contains(t) && !Platform.Contains(t)));
        Assert.Equal([], covered.Intersect(Platform));
    }

    [Fact]
    public void Every_entity_with_a_tenant_is_covered_and_its_secrets_are_not_shown()
    {
        using var context = new InferenceDbContext(new DbContextOptionsBuilder<InferenceDbContext>().UseNpgsql("Host=unused").Options);
        var covered = TenantTable.All(context.Model);

        Assert.Equal(
            context.Model.GetEntityTypes()
                .Where(e => e.FindProperty("TenantId") is not null).Select(e => e.ClrType).Append(typeof(Tenant)).ToHashSet(),
            covered.Select(t => t.Entity).Where(e => e.GetProperty("TenantId") is not null || e == typeof(Tenant)).ToHashSet());
        Assert.Equal("api_keys", covered[^1].Name);
        Assert.DoesNotContain("hash", covered[^1].Columns);
        Assert.Equal(
            ["audit_actors", "audit_details", "audit_entries", "tenant_erasures", "tenants"],
            covered.Where(t => !t.IsErased).Select(t => t.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Parts_of_what_is_a_tenants_are_covered_and_come_before_it()
    {
        using var context = new OrdersContext();

        var covered = TenantTable.All(context.Model);

        Assert.Equal(["order_lines", "orders"], covered.Select(t => t.Name));
        Assert.Equal("OrderId IN (SELECT id FROM orders WHERE TenantId = $1)", covered[0].IsTenants);
    }

    private sealed class OrdersContext : DbContext
    {
        protected override void OnConfiguring(DbContextOptionsBuilder optionsBuilder) => optionsBuilder.UseNpgsql("Host=unused");

        protected override void OnModelCreating(ModelBuilder modelBuilder)
        {
            modelBuilder.Entity<Order>().ToTable("orders");
            modelBuilder.Entity<OrderLine>(line =>
            {
                line.ToTable("order_lines");
                line.HasKey(l => new { l.OrderId, l.Number });
            });
            modelBuilder.Entity<Article>().ToTable("articles");
        }
    }

    private sealed class Order
    {
        public Guid Id { get; init; }

        public required string TenantId { get; init; }
    }

    private sealed class OrderLine
    {
        public Guid OrderId { get; init; }

        public int Number { get; init; }
    }

    private sealed class Article
    {
        public Guid Id { get; init; }
    }
}
