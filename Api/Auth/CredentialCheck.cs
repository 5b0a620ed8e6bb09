using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;

namespace InferenceTemplate.Api.Auth;

/// <summary>
/// Whether the credential that a request came with is still accepted. For what goes on long after a request was authenticated: a stream
/// would outlive its key.
/// </summary>
internal sealed class CredentialCheck(ApiKeyLookup keys, TimeProvider time)
{
    /// <returns>The caller as of now, who may have lost models since; or why there is none any more. As of a second ago at most.</returns>
    public async Task<(ClaimsPrincipal? Caller, string? Refusal)> CheckAsync(HttpContext context)
    {
        var now = time.GetUtcNow();
        var ticket = context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties;
        if (ticket?.ExpiresUtc + OwnTokens.ClockSkew <= now)
        {
            return (null, "the token has expired");
        }

        if (Guid.TryParse(context.User.FindFirstValue(InferenceClaims.KeyId), out var id))
        {
            var key = await keys.FindAsync(id);
            return (key is null ? "the API key does not exist" : key.RefusalAt(now)) is { } ended ? (null, ended) : (key!.Principal, null);
        }

        var tenant = await keys.FindTenantAsync(context.User.TenantId());
        return (tenant is null ? "the tenant of the token does not exist" : tenant.Refusal) is { } refusal
            ? (null, refusal)
            : (context.User.Within(tenant!.Models), null);
    }
}
