using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;

namespace InferenceTemplate.Data;

/// <summary>The tables of the audit chain.</summary>
public static class AuditSchema
{
    public const int ActionLength = 64;
    public const int SubjectLength = 300;
    public const int NameLength = 200;
    public const int TenantLength = 64;

    /// <summary>
    /// What EF Core has no words for: rows of the chain are only added, unless a transaction says that it prunes. It is no lock
    /// against the database's owner, who can drop it; it keeps mistakes out. The migrator sees to it.
    /// </summary>
    public const string AppendOnly = """
        DO $install$ BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = 'audit_entries_append_only' AND tgrelid = 'audit_entries'::regclass) THEN
            CREATE OR REPLACE FUNCTION audit_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN
                IF TG_OP = 'DELETE' AND current_setting('inference.audit_pruning', true) = 'on' THEN RETURN OLD; END IF;
                RAISE EXCEPTION 'audit_entries is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
            END $body$;
            CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries
                FOR EACH ROW EXECUTE FUNCTION audit_entries_refuse();
            CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries
                FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse();
        END IF;
        END $install$
        """;

    public static void Add(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<AuditEntry>(entry =>
        {
            entry.ToTable("audit_entries");
            entry.HasKey(e => e.Sequence);
            entry.Property(e => e.Sequence).ValueGeneratedNever();
            entry.Property(e => e.Action).HasMaxLength(ActionLength);
            entry.Property(e => e.TenantId).HasMaxLength(TenantLength);
            entry.Property(e => e.Subject).HasMaxLength(SubjectLength);
            entry.HasIndex(e => e.EventId).IsUnique();
            entry.HasIndex(e => e.At);
            entry.HasIndex(e => new { e.TenantId, e.Sequence });
            entry.HasIndex(e => new { e.ActorId, e.Sequence });
        });

        modelBuilder.Entity<AuditActor>(actor =>
        {
            actor.ToTable("audit_actors");
            actor.Property(a => a.Id).ValueGeneratedNever();
            actor.Property(a => a.TenantId).HasMaxLength(TenantLength);
            actor.Property(a => a.Name).HasMaxLength(NameLength);
            actor.HasIndex(a => a.Name);
            actor.HasIndex(a => a.TenantId);
        });

        modelBuilder.Entity<AuditDetails>(details =>
        {
            details.ToTable("audit_details");
            details.HasKey(d => d.Sequence);
            details.Property(d => d.Sequence).ValueGeneratedNever();
            details.Property(d => d.TenantId).HasMaxLength(TenantLength);
            details.Property(d => d.Facts).HasColumnType("jsonb").HasConversion(
                facts => JsonSerializer.Serialize(facts, StoreJson.Default.IReadOnlyDictionaryStringString),
                json => JsonSerializer.Deserialize(json, StoreJson.Default.IReadOnlyDictionaryStringString)!,
                new ValueComparer<IReadOnlyDictionary<string, string>>(
                    (a, b) => ReferenceEquals(a, b), facts => facts.Count, facts => facts));
            details.HasIndex(d => d.TenantId);
            details.HasOne<AuditEntry>().WithOne().HasForeignKey<AuditDetails>(d => d.Sequence).OnDelete(DeleteBehavior.Cascade);
        });
    }
}
