using System.Runtime.InteropServices;
using System.Security.Claims;
using System.Security.Cryptography;

namespace InferenceTemplate.Api.Auth;

/// <summary>Who a key is, as far as a request needs it: the key and its tenant as they were when it was looked up.</summary>
public sealed class ApiKeyIdentity
{
    public required Guid KeyId { get; init; }

    public required string Name { get; init; }

    public required string Role { get; init; }

    /// <summary>HMAC-SHA-256 of the whole key under the pepper.</summary>
    public required byte[] Hash { get; init; }

    public required DateTimeOffset? ExpiresAt { get; init; }

    public required DateTimeOffset? RevokedAt { get; init; }

    /// <summary>The models that the key opens; null for all that its tenant has.</summary>
    public required string[]? Models { get; init; }

    public required TenantIdentity Tenant { get; init; }

    // The last key that did, so that a caller of many requests is hashed once while this is known: a second.
    private string? _proof;

    /// <summary>Whether a key is the one whose hash this is; compares in constant time.</summary>
    public bool IsProvedBy(ReadOnlySpan<char> key, ApiKeyHasher hasher)
    {
        if (_proof is { } proof
            && CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(proof.AsSpan()), MemoryMarshal.AsBytes(key)))
        {
            return true;
        }

        var given = key.ToString();
        if (!hasher.Matches(given, Hash))
        {
            return false;
        }

        _proof = given;
        return true;
    }

    /// <summary>The caller that the key makes, one for all of its requests.</summary>
    public KeyCaller Principal => field ??= new KeyCaller(new ClaimsIdentity(
        [
            new Claim(InferenceClaims.Name, Name),
            new Claim(InferenceClaims.Role, Role),
            new Claim(InferenceClaims.Tenant, Tenant.Id),
            new Claim(InferenceClaims.KeyId, KeyId.ToString()),
            .. ModelScope.Claims(ModelScope.Narrow(Models, Tenant.Models)),
        ],
        ApiKeyAuthenticationHandler.SchemeName,
        InferenceClaims.Name,
        InferenceClaims.Role));

    /// <summary>Why the key is not accepted; null where it is. For those who have proved that they hold it.</summary>
    public string? RefusalAt(DateTimeOffset now) =>
        RevokedAt is not null ? "the API key has been revoked"
        : ExpiresAt <= now ? "the API key has expired"
        : Tenant.Refusal;
}

/// <summary>A tenant as far as a request's credentials need it.</summary>
/// <param name="Models">The models that it may use; null for all.</param>
public sealed record TenantIdentity(string Id, bool IsSuspended, bool IsDeleted, string[]? Models)
{
    /// <summary>Why none of its credentials is accepted; null where they are.</summary>
    public string? Refusal =>
        IsDeleted ? "the tenant of the API key or token has been deleted"
        : IsSuspended ? "the tenant of the API key or token is suspended"
        : null;
}
