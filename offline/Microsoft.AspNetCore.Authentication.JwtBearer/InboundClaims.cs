using System.Security.Claims;

namespace Microsoft.AspNetCore.Authentication.JwtBearer;

/// <summary>The long names that <see cref="JwtBearerOptions.MapInboundClaims"/> gives to the registered claims; others keep theirs.</summary>
internal static class InboundClaims
{
    private static readonly Dictionary<string, string> s_names = new()
    {
        ["actort"] = ClaimTypes.Actor,
        ["birthdate"] = ClaimTypes.DateOfBirth,
        ["email"] = ClaimTypes.Email,
        ["family_name"] = ClaimTypes.Surname,
        ["gender"] = ClaimTypes.Gender,
        ["given_name"] = ClaimTypes.GivenName,
        ["nameid"] = ClaimTypes.NameIdentifier,
        ["role"] = ClaimTypes.Role,
        ["roles"] = ClaimTypes.Role,
        ["sub"] = ClaimTypes.NameIdentifier,
        ["unique_name"] = ClaimTypes.Name,
        ["upn"] = ClaimTypes.Upn,
        ["website"] = ClaimTypes.Webpage,
        ["acr"] = "http://schemas.microsoft.com/claims/authnclassreference",
        ["amr"] = "http://schemas.microsoft.com/claims/authnmethodsreferences",
        ["idp"] = "http://schemas.microsoft.com/identity/claims/identityprovider",
        ["oid"] = "http://schemas.microsoft.com/identity/claims/objectidentifier",
        ["scp"] = "http://schemas.microsoft.com/identity/claims/scope",
        ["tid"] = "http://schemas.microsoft.com/identity/claims/tenantid",
    };

    public static ClaimsIdentity Map(ClaimsIdentity identity) =>
        new(identity.Claims.Select(Map), identity.AuthenticationType, identity.NameClaimType, identity.RoleClaimType);

    private static Claim Map(Claim claim) => s_names.TryGetValue(claim.Type, out var name)
        ? new Claim(name, claim.Value, claim.ValueType, claim.Issuer, claim.OriginalIssuer)
        : claim;
}
