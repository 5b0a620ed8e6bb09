using System.Security.Claims;
using System.Text.Json.Serialization;
using InferenceTemplate.Api.Audit;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Auth;

/// <summary>The answer of <c>POST /v1/auth/token</c>.</summary>
/// <param name="ExpiresIn">Seconds until the token expires.</param>
internal sealed record AccessToken(
    [property: JsonPropertyName("access_token")] string Token, string TokenType, int ExpiresIn, string Name, string Role, string Tenant);

internal static class AccessTokenEndpoint
{
    /// <summary>Maps the exchange of an API key for a token; a token can't be exchanged for another.</summary>
    public static void MapAccessTokens(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPost("/v1/auth/token", Issue).RequireAuthorization(
            new AuthorizeAttribute(Policies.Infer) { AuthenticationSchemes = ApiKeyAuthenticationHandler.SchemeName })
            .WithSummary("Exchange an API key for a short-lived token")
            .Produces<AccessToken>();

    private static JsonHttpResult<AccessToken> Issue(
        ClaimsPrincipal caller, AccessTokenIssuer issuer, AuditLog audit, HttpResponse response)
    {
        audit.Record(new AuditEvent(
            "token.issued", caller.Identity?.Name ?? "unnamed", caller.TenantId(), caller.FindFirstValue(InferenceClaims.KeyId))
        {
            ActorTenantId = caller.TenantId(),
        });
        response.Headers.CacheControl = "no-store";
        return TypedResults.Json(issuer.Issue(caller), ApiJson.Default.AccessToken);
    }
}
