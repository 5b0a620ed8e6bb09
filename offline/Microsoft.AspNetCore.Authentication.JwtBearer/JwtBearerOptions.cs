using Microsoft.IdentityModel.Tokens;

namespace Microsoft.AspNetCore.Authentication.JwtBearer;

/// <summary>Options of the JWT bearer handler. Give it an authority, or signing keys in the validation parameters, or both.</summary>
public class JwtBearerOptions : AuthenticationSchemeOptions
{
    /// <summary>Whether the metadata address must be HTTPS; turn off in development only.</summary>
    public bool RequireHttpsMetadata { get; set; } = true;

    /// <summary>The OpenID configuration; by default <c>.well-known/openid-configuration</c> below the authority.</summary>
    public string MetadataAddress { get; set; } = default!;

    public string? Authority { get; set; }

    /// <summary>Used where the validation parameters name no valid audience.</summary>
    public string? Audience { get; set; }

    /// <summary>What the <c>WWW-Authenticate</c> header starts with.</summary>
    public string Challenge { get; set; } = JwtBearerDefaults.AuthenticationScheme;

    public new JwtBearerEvents Events
    {
        get => (JwtBearerEvents)base.Events!;
        set => base.Events = value;
    }

    public HttpMessageHandler? BackchannelHttpHandler { get; set; }

    public HttpClient Backchannel { get; set; } = default!;

    public TimeSpan BackchannelTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether a token signed with an unknown key makes the handler fetch the authority's keys anew.</summary>
    public bool RefreshOnIssuerKeyNotFound { get; set; } = true;

    public TokenValidationParameters TokenValidationParameters { get; set; } = new();

    /// <summary>Whether a validated token is kept as <c>access_token</c> in the authentication properties.</summary>
    public bool SaveToken { get; set; } = true;

    /// <summary>Whether a refused token's reason is told in the <c>WWW-Authenticate</c> header.</summary>
    public bool IncludeErrorDetails { get; set; } = true;

    /// <summary>Whether short claim names (<c>sub</c>, <c>role</c>) become the long ones of <see cref="System.Security.Claims.ClaimTypes"/>.</summary>
    public bool MapInboundClaims { get; set; } = true;

    /// <summary>How long the authority's keys are used without asking again.</summary>
    public TimeSpan AutomaticRefreshInterval { get; set; } = TimeSpan.FromHours(12);

    /// <summary>The least time between two fetches that unknown keys or failures ask for.</summary>
    public TimeSpan RefreshInterval { get; set; } = TimeSpan.FromMinutes(5);

    internal AuthorityKeys? AuthorityKeys { get; set; }
}
