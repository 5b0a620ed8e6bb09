namespace InferenceTemplate.Api.Auth;

/// <summary>
/// Authentication and authorization make handlers, results and requirements anew for each request. What they said of a key and an endpoint
/// is remembered with the key, for a second, and its next requests there pass them by; all others go through them.
/// </summary>
internal sealed class RememberedCallers(ApiKeyLookup keys, ApiKeyHasher hasher, TimeProvider time)
{
    /// <summary>Remembers that a request was let through.</summary>
    public static void Remember(HttpContext context)
    {
        // Callers of another authority are others. A token's caller is its key's, but of another look at it, which is never asked here.
        if (context.User is KeyCaller caller && context.GetEndpoint() is { } endpoint)
        {
            caller.Authorize(endpoint);
        }
    }

    /// <summary>Whether the caller is one that may call this endpoint; then it is the request's user.</summary>
    public bool Recognize(HttpContext context)
    {
        var credential = ApiKeyAuthenticationHandler.Credential(context.Request);
        if (AuthRegistration.IsToken(credential)
            || context.GetEndpoint() is not { } endpoint
            || ApiKeyFormat.PrefixIn(credential) is not { IsEmpty: false } prefix
            || keys.Known(prefix) is not { } identity
            || !identity.IsProvedBy(credential, hasher)
            || identity.RefusalAt(time.GetUtcNow()) is not null
            || !identity.Principal.IsAuthorizedFor(endpoint))
        {
            return false;
        }

        context.User = identity.Principal;
        return true;
    }
}
