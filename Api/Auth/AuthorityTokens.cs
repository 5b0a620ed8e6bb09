using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace InferenceTemplate.Api.Auth;

/// <summary>
/// Tokens of another authority: <see cref="JwtOptions"/>. The tenant that they name must exist here, and narrows what they allow.
/// </summary>
internal static class AuthorityTokens
{
    public const string Scheme = "Authority";

    private static readonly TimeSpan BackchannelTimeout = TimeSpan.FromSeconds(10);

    // An authority has a private key: a secret that two share would let one sign for the other.
    private static readonly string[] PublicKeyAlgorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    private static readonly string[] RolesFromTheHighest = [Roles.Admin, Roles.User, Roles.Service];

    public static void Configure(JwtBearerOptions jwt, IOptions<JwtOptions> options)
    {
        var external = options.Value;
        jwt.MapInboundClaims = false;
        jwt.SaveToken = false;
        jwt.BackchannelTimeout = BackchannelTimeout;
        jwt.RequireHttpsMetadata = external.RequireHttps;
        jwt.TokenValidationParameters = new TokenValidationParameters
        {
            ValidAudience = external.Audience,
            ValidIssuer = external.Issuer.Length > 0 ? external.Issuer : null,
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            ClockSkew = OwnTokens.ClockSkew,
        };
        if (external.SigningKey.Length > 0)
        {
            jwt.TokenValidationParameters.IssuerSigningKey = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(external.SigningKey));
            jwt.TokenValidationParameters.ValidAlgorithms = [SecurityAlgorithms.HmacSha256];
        }
        else if (external.Authority.Length > 0)
        {
            jwt.Authority = external.Authority;
            jwt.TokenValidationParameters.ValidAlgorithms = PublicKeyAlgorithms;
        }

        jwt.Events = new JwtBearerEvents
        {
            OnTokenValidated = context => UseClaimsAsync(context, external),
            OnAuthenticationFailed = ExplainAsync,
        };
    }

    // Its keys could not be had: that says nothing of the caller's token. Validation goes on without them, and finds that none fits.
    private static async Task ExplainAsync(AuthenticationFailedContext context)
    {
        if (context.Exception is AuthorityUnavailableException known)
        {
            // What this has thrown comes here once more.
            throw known;
        }

        if (IsAway(context.Exception))
        {
            throw new AuthorityUnavailableException(context.Exception);
        }

        if (context.Options.ConfigurationManager is { } authority)
        {
            try
            {
                await authority.GetConfigurationAsync(context.HttpContext.RequestAborted);
            }
            catch (Exception exception) when (IsAway(exception) && !context.HttpContext.RequestAborted.IsCancellationRequested)
            {
                throw new AuthorityUnavailableException(exception);
            }
        }

        await OwnTokens.ExplainAsync(context);
    }

    // IDX20803 and IDX20804, in whatever the handler wraps them.
    private static bool IsAway(Exception? exception) => exception is not null
        && (exception is HttpRequestException or IOException or TaskCanceledException || IsAway(exception.InnerException));

    private static async Task UseClaimsAsync(TokenValidatedContext context, JwtOptions options)
    {
        var token = context.Principal!;
        var namesTenant = IsIn(context.SecurityToken, options.TenantClaim);
        var tenantId = token.FindFirst(options.TenantClaim)?.Value ?? (namesTenant ? "" : options.DefaultTenant);
        if (tenantId.Length == 0)
        {
            OwnTokens.Refuse(context, namesTenant
                ? $"the token's claim '{options.TenantClaim}' names no tenant"
                : $"the token has no claim '{options.TenantClaim}', which names its tenant");
            return;
        }

        var tenant = await context.HttpContext.RequestServices.GetRequiredService<ApiKeyLookup>().FindTenantAsync(tenantId);
        if ((tenant is null ? "the tenant of the token does not exist" : tenant.Refusal) is { } refusal)
        {
            OwnTokens.Refuse(context, refusal);
            return;
        }

        // A token without a role that is known here makes a caller who may do nothing.
        var roles = token.FindAll(options.RoleClaim).Select(c => c.Value).ToHashSet(StringComparer.Ordinal);
        var models = token.FindAll(options.ModelsClaim).Select(c => c.Value).ToArray();
        var name = token.FindFirst(options.NameClaim)?.Value ?? token.FindFirst("sub")?.Value ?? "unnamed";
        Claim[] role = RolesFromTheHighest.FirstOrDefault(roles.Contains) is { } highest ? [new Claim(InferenceClaims.Role, highest)] : [];
        context.Principal = new ClaimsPrincipal(new ClaimsIdentity(
            [
                new Claim(InferenceClaims.Name, name),
                .. role,
                new Claim(InferenceClaims.Tenant, tenant!.Id),
                new Claim(InferenceClaims.Subject, SubjectOf((JsonWebToken)context.SecurityToken)),
                .. ModelScope.Claims(ModelScope.Narrow(IsIn(context.SecurityToken, options.ModelsClaim) ? models : null, tenant.Models)),
            ],
            Scheme,
            InferenceClaims.Name,
            InferenceClaims.Role));
    }

    // Names may be of several; a token that does not say whose it is stands for nobody but itself.
    private static string SubjectOf(JsonWebToken token) => token.Subject is { Length: > 0 } subject
        ? $"{token.Issuer} {subject}"
        : Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token.EncodedToken)));

    // Asked of the token itself: an empty array is there, and yet no claim of the principal's.
    private static bool IsIn(SecurityToken token, string claim) =>
        ((JsonWebToken)token).TryGetPayloadValue<object>(claim, out _);
}

/// <summary>The authority's document or keys can't be read.</summary>
internal sealed class AuthorityUnavailableException(Exception inner)
    : Exception($"the authority's keys can't be read: {inner.GetBaseException().Message}", inner)
{
    public const string Answer = "the authority that signs tokens can't be reached: try again later";
}
