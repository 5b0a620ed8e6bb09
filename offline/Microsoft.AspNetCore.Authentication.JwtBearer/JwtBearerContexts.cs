using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.Tokens;

namespace Microsoft.AspNetCore.Authentication.JwtBearer;

/// <summary>Given to <see cref="JwtBearerEvents.OnMessageReceived"/>.</summary>
public class MessageReceivedContext(HttpContext context, AuthenticationScheme scheme, JwtBearerOptions options)
    : ResultContext<JwtBearerOptions>(context, scheme, options)
{
    /// <summary>Set it to use a token from elsewhere than the Authorization header.</summary>
    public string? Token { get; set; }
}

/// <summary>Given to <see cref="JwtBearerEvents.OnTokenValidated"/>.</summary>
public class TokenValidatedContext(HttpContext context, AuthenticationScheme scheme, JwtBearerOptions options)
    : ResultContext<JwtBearerOptions>(context, scheme, options)
{
    public SecurityToken SecurityToken { get; set; } = default!;
}

/// <summary>Given to <see cref="JwtBearerEvents.OnAuthenticationFailed"/>.</summary>
public class AuthenticationFailedContext(HttpContext context, AuthenticationScheme scheme, JwtBearerOptions options)
    : ResultContext<JwtBearerOptions>(context, scheme, options)
{
    public Exception Exception { get; set; } = default!;
}

/// <summary>Given to <see cref="JwtBearerEvents.OnForbidden"/>.</summary>
public class ForbiddenContext(HttpContext context, AuthenticationScheme scheme, JwtBearerOptions options)
    : ResultContext<JwtBearerOptions>(context, scheme, options);

/// <summary>Given to <see cref="JwtBearerEvents.OnChallenge"/>.</summary>
public class JwtBearerChallengeContext(
    HttpContext context, AuthenticationScheme scheme, JwtBearerOptions options, AuthenticationProperties properties)
    : PropertiesContext<JwtBearerOptions>(context, scheme, options, properties)
{
    public Exception? AuthenticateFailure { get; set; }

    /// <summary>The <c>error</c> of RFC 6750, section 3.1.</summary>
    public string? Error { get; set; }

    public string? ErrorDescription { get; set; }

    public string? ErrorUri { get; set; }

    public bool Handled { get; private set; }

    /// <summary>Says that the event has answered, so the handler does not.</summary>
    public void HandleResponse() => Handled = true;
}
