namespace InferenceTemplate.Data;

/// <summary>An API key <c>prefix_secret</c>: found by its prefix, proved by a keyed hash; the secret is not kept.</summary>
public sealed class ApiKey
{
    public Guid Id { get; init; }

    /// <summary>The searchable half, unique.</summary>
    public required string Prefix { get; init; }

    /// <summary>HMAC-SHA-256 of the whole key under the pepper, 32 bytes.</summary>
    public required byte[] Hash { get; set; }

    public required string TenantId { get; init; }

    public required string Name { get; set; }

    /// <summary>The role: <c>admin</c>, <c>user</c> or <c>service</c>.</summary>
    public required string Role { get; set; }

    /// <summary>The models that the key opens, of those that its tenant has; null for all of them.</summary>
    public string[]? Models { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who made it: the name of a key or token, or <c>admin command</c>.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>The key that this one replaces; that one ends when their overlap is over.</summary>
    public Guid? Replaces { get; init; }

    public DateTimeOffset? ExpiresAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }
}
