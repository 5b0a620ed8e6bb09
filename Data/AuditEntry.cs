namespace InferenceTemplate.Data;

/// <summary>
/// A link of the audit chain. Its hash covers every column here and the hash before it, so a row is never changed; what may have
/// to be forgotten stands in <see cref="AuditActor"/> and <see cref="AuditDetails"/> and is covered by digests.
/// </summary>
public sealed record AuditEntry
{
    /// <summary>From 1, without gaps.</summary>
    public long Sequence { get; init; }

    /// <summary>The event's own id: a writer that doesn't know whether its commit arrived looks for it.</summary>
    public Guid EventId { get; init; }

    /// <summary>When it happened, to the microsecond.</summary>
    public DateTimeOffset At { get; init; }

    public required string Action { get; init; }

    public Guid ActorId { get; init; }

    /// <summary>Whose business it is; null for the platform's.</summary>
    public string? TenantId { get; init; }

    public string? Subject { get; init; }

    /// <summary>SHA-256 of the details with their salt; null where there are none.</summary>
    public byte[]? DetailsDigest { get; init; }

    /// <summary>Of the entry before; zeros for the first.</summary>
    public required byte[] PreviousHash { get; init; }

    /// <summary>SHA-256, 32 bytes.</summary>
    public required byte[] Hash { get; init; }
}

/// <summary>The name behind an actor's id. The id is a salted digest of it, so that it can be forgotten but not replaced.</summary>
public sealed class AuditActor
{
    public Guid Id { get; init; }

    /// <summary>Whose key it is; null for the platform's and for nobody's.</summary>
    public string? TenantId { get; init; }

    /// <summary>Null once its tenant was erased, like <see cref="Salt"/>.</summary>
    public string? Name { get; init; }

    public byte[]? Salt { get; init; }
}

/// <summary>The details of an entry. They may name people, so they go when their tenant is erased.</summary>
public sealed class AuditDetails
{
    public long Sequence { get; init; }

    public string? TenantId { get; init; }

    public required byte[] Salt { get; init; }

    public required IReadOnlyDictionary<string, string> Facts { get; init; }
}
