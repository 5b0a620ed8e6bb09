using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace InferenceTemplate.Data;

/// <summary>A request that came with an idempotency key, and its answer. Written by the Api's middleware alone.</summary>
public sealed class IdempotencyKey
{
    public required string TenantId { get; init; }

    /// <summary>SHA-256 of the caller and the key.</summary>
    public required byte[] KeyHash { get; init; }

    /// <summary>Of the attempt that holds the key: the fence of all further writes.</summary>
    public Guid Token { get; init; }

    /// <summary>Until then the request is in flight; null once it is answered.</summary>
    public DateTimeOffset? LockedUntil { get; init; }

    /// <summary>The batch that was accepted with the key, in the same transaction: a repetition is about it, answered or not.</summary>
    public Guid? BatchId { get; init; }

    /// <summary>SHA-256 of what was asked; null until it is answered or accepted, as is the next.</summary>
    public byte[]? Fingerprint { get; init; }

    /// <summary>Bytes of the request's body.</summary>
    public long? BodyLength { get; init; }

    /// <summary>Null until it is answered, as is the next.</summary>
    public short? Status { get; init; }

    /// <summary>Headers and body, encrypted.</summary>
    public byte[]? Answer { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }

    internal static void Describe(EntityTypeBuilder<IdempotencyKey> key)
    {
        key.ToTable("idempotency_keys");
        key.HasKey(k => new { k.TenantId, k.KeyHash });
        key.Property(k => k.TenantId).HasMaxLength(64);
        key.HasIndex(k => k.ExpiresAt);
    }
}
