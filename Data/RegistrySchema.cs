using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace InferenceTemplate.Data;

/// <summary>The tables of the model registry.</summary>
internal static class RegistrySchema
{
    private const int NameLength = 128;
    private const int VersionLength = 32;

    public static void Add(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<Model>(model =>
        {
            model.ToTable("models");
            model.HasKey(m => m.Name);
            model.Property(m => m.Name).HasMaxLength(NameLength);
            Json(model.Property(m => m.Settings), StoreJson.Default.ModelSettings);
            model.Property(m => m.Residency).HasConversion<string>().HasMaxLength(16).HasDefaultValue(Residency.Auto);
            model.Property(m => m.PreviousStable).HasMaxLength(VersionLength);
        });

        modelBuilder.Entity<ModelVersion>(Version);

        modelBuilder.Entity<SampleRequest>(sample =>
        {
            sample.ToTable("sample_requests");
            sample.HasKey(s => new { s.Model, s.Version });
            sample.Property(s => s.Model).HasMaxLength(NameLength);
            sample.Property(s => s.Version).HasMaxLength(VersionLength);
            sample.HasOne<ModelVersion>().WithMany().HasForeignKey(s => new { s.Model, s.Version });
            Json(sample.Property(s => s.Inputs), StoreJson.Default.TensorArray);
        });

        modelBuilder.Entity<ModelAlias>(alias =>
        {
            alias.ToTable("model_aliases");
            alias.HasKey(a => new { a.Model, a.Alias });
            alias.Property(a => a.Model).HasMaxLength(NameLength);
            alias.Property(a => a.Alias).HasMaxLength(64);
            alias.Property(a => a.Version).HasMaxLength(VersionLength);
            alias.HasOne<ModelVersion>().WithMany().HasForeignKey(a => new { a.Model, a.Version });
        });

        modelBuilder.Entity<ModelEvent>(entry =>
        {
            entry.ToTable("model_events");
            entry.Property(e => e.Model).HasMaxLength(NameLength);
            entry.Property(e => e.Version).HasMaxLength(VersionLength);
            entry.Property(e => e.Kind).HasMaxLength(32);
            entry.Property(e => e.Actor).HasMaxLength(200);
            entry.HasIndex(e => new { e.Model, e.Id });
            entry.Property(e => e.Audited).HasDefaultValue(false);
            entry.HasIndex(e => e.Id, "ix_model_events_unaudited").HasFilter("NOT audited");
        });

        modelBuilder.Entity<Artifact>(artifact =>
        {
            artifact.ToTable("artefacts");
            artifact.HasKey(a => a.Sha256);
            artifact.Property(a => a.Sha256).HasMaxLength(64).IsFixedLength();
        });

        modelBuilder.Entity<ArtifactChunk>(chunk =>
        {
            chunk.ToTable("artefact_chunks");
            chunk.HasKey(c => new { c.Blob, c.Number });
        });

        modelBuilder.Entity<LooseBlob>(loose =>
        {
            loose.ToTable("loose_blobs");
            loose.HasKey(l => l.Blob);
        });
    }

    private static void Version(EntityTypeBuilder<ModelVersion> version)
    {
        version.ToTable("model_versions");
        version.HasKey(v => new { v.Model, v.Version });
        version.Property(v => v.Model).HasMaxLength(NameLength);
        version.Property(v => v.Version).HasMaxLength(VersionLength);
        version.HasOne<Model>().WithMany().HasForeignKey(v => v.Model);
        version.Property(v => v.Platform).HasMaxLength(64);
        version.Property(v => v.Sha256).HasMaxLength(64).IsFixedLength();
        version.HasIndex(v => v.Sha256);

        // The default is for rows from before there were states; the sentinel keeps it from replacing Pending.
        version.Property(v => v.State)
            .HasConversion<string>().HasMaxLength(16).HasDefaultValue(VersionState.Ready).HasSentinel((VersionState)(-1));
        version.Property(v => v.CreatedBy).HasMaxLength(200);
        version.Ignore(v => v.StepsApart);
        Json(version.Property(v => v.Signature), StoreJson.Default.ModelSignature);
        Json(version.Property(v => v.Metadata), StoreJson.Default.VersionMetadata).HasDefaultValueSql("'{}'");
        Json(version.Property(v => v.BatchProof!), StoreJson.Default.BatchProof).IsRequired(false);
        version.Property(v => v.ProofOutdated).HasDefaultValue(false);
        version.Property(v => v.HasSample).HasDefaultValue(false);
        Json(version.Property(v => v.Labels), StoreJson.Default.IReadOnlyDictionaryStringString).HasDefaultValueSql("'{}'");
    }

    // Compared by their JSON: these are small, and a change within one must be seen.
    private static PropertyBuilder<T> Json<T>(PropertyBuilder<T> property, JsonTypeInfo<T> type)
        where T : class => property.HasColumnType("jsonb").HasConversion(
        value => JsonSerializer.Serialize(value, type),
        json => JsonSerializer.Deserialize(json, type)!,
        new ValueComparer<T>(
            (a, b) => JsonSerializer.Serialize(a!, type) == JsonSerializer.Serialize(b!, type),
            value => JsonSerializer.Serialize(value, type).GetHashCode(StringComparison.Ordinal),
            value => JsonSerializer.Deserialize(JsonSerializer.Serialize(value, type), type)!));
}
