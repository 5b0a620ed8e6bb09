using System.Collections.Concurrent;
using System.Security.Claims;

namespace InferenceTemplate.Api.Auth;

/// <summary>The caller that a key makes, for as long as what was read of the key holds.</summary>
public sealed class KeyCaller(ClaimsIdentity identity) : ClaimsPrincipal(identity)
{
    // No more than there are endpoints, and for no longer than the key is known: a second.
    private readonly ConcurrentDictionary<Endpoint, bool> _authorized = new();

    /// <summary>The claim of that name, without a look through all of them.</summary>
    public string TenantId { get; } = identity.FindFirst(InferenceClaims.Tenant)!.Value;

    /// <summary>The models that it may use; null for every one.</summary>
    public IReadOnlySet<string>? Models { get; } =
        identity.FindAll(InferenceClaims.Model).Select(claim => claim.Value).ToHashSet(StringComparer.Ordinal) is { Count: > 0 } models
            ? models
            : null;

    /// <summary>Whether authorization has let it call an endpoint.</summary>
    public bool IsAuthorizedFor(Endpoint endpoint) => _authorized.ContainsKey(endpoint);

    public void Authorize(Endpoint endpoint) => _authorized[endpoint] = true;
}
