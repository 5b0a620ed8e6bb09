using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Microsoft.Net.Http.Headers;

namespace Microsoft.AspNetCore.Authentication.JwtBearer;

/// <summary>Authenticates by a signed JWT in <c>Authorization: Bearer</c> (RFC 6750), validated by JsonWebTokens 6.8.0.</summary>
public class JwtBearerHandler(IOptionsMonitor<JwtBearerOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<JwtBearerOptions>(options, logger, encoder)
{
    private const string Prefix = "Bearer ";

    private static readonly JsonWebTokenHandler s_tokens = new();

    protected new JwtBearerEvents Events
    {
        get => (JwtBearerEvents)base.Events!;
        set => base.Events = value;
    }

    protected override Task<object> CreateEventsAsync() => Task.FromResult<object>(new JwtBearerEvents());

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        try
        {
            var received = new MessageReceivedContext(Context, Scheme, Options);
            await Events.MessageReceived(received);
            if (received.Result is { } decided)
            {
                return decided;
            }

            var token = string.IsNullOrEmpty(received.Token) ? TokenOf(Request.Headers.Authorization.ToString()) : received.Token;
            if (string.IsNullOrEmpty(token))
            {
                return AuthenticateResult.NoResult();
            }

            var validation = await ValidateAsync(token);
            return validation.IsValid ? await AcceptAsync(validation, token) : await RefuseAsync(validation.Exception);
        }
        catch (Exception exception)
        {
            var failed = new AuthenticationFailedContext(Context, Scheme, Options) { Exception = exception };
            await Events.AuthenticationFailed(failed);
            if (failed.Result is { } decided)
            {
                return decided;
            }

            throw;
        }
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var failure = (await HandleAuthenticateOnceSafeAsync()).Failure;
        var challenge = new JwtBearerChallengeContext(Context, Scheme, Options, properties) { AuthenticateFailure = failure };

        // A call without a token is told nothing but the scheme (RFC 6750, section 3.1).
        if (Options.IncludeErrorDetails && failure is not null)
        {
            challenge.Error = "invalid_token";
            challenge.ErrorDescription = ErrorDescription.Of(failure);
        }

        await Events.Challenge(challenge);
        if (challenge.Handled)
        {
            return;
        }

        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.Append(HeaderNames.WWWAuthenticate, Header(challenge));
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        if (!Response.HasStarted)
        {
            Response.StatusCode = StatusCodes.Status403Forbidden;
        }

        return Events.Forbidden(new ForbiddenContext(Context, Scheme, Options));
    }

    private static string? TokenOf(string authorization) =>
        authorization.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? authorization[Prefix.Length..].Trim() : null;

    private async Task<TokenValidationResult> ValidateAsync(string token)
    {
        if (Options.AuthorityKeys is not { } authority)
        {
            return s_tokens.ValidateToken(token, Options.TokenValidationParameters);
        }

        var published = await authority.GetAsync(Context.RequestAborted);
        var validation = s_tokens.ValidateToken(token, ParametersWith(published));
        if (!validation.IsValid && validation.Exception is SecurityTokenSignatureKeyNotFoundException && Options.RefreshOnIssuerKeyNotFound)
        {
            // The authority may have changed its keys.
            return await authority.RefreshAsync(published, Context.RequestAborted) is { } newer && newer != published
                ? s_tokens.ValidateToken(token, ParametersWith(newer))
                : validation;
        }

        return validation;
    }

    private TokenValidationParameters ParametersWith(AuthorityKeys.Published published)
    {
        var parameters = Options.TokenValidationParameters.Clone();
        parameters.ValidIssuers = [.. parameters.ValidIssuers ?? [], published.Issuer];
        parameters.IssuerSigningKeys = [.. parameters.IssuerSigningKeys ?? [], .. published.Keys];
        return parameters;
    }

    private async Task<AuthenticateResult> AcceptAsync(TokenValidationResult validation, string token)
    {
        var identity = Options.MapInboundClaims ? InboundClaims.Map(validation.ClaimsIdentity) : validation.ClaimsIdentity;
        var validated = new TokenValidatedContext(Context, Scheme, Options)
        {
            Principal = new ClaimsPrincipal(identity),
            SecurityToken = validation.SecurityToken,
        };
        validated.Properties.ExpiresUtc = Time(validation.SecurityToken.ValidTo);
        validated.Properties.IssuedUtc = Time(validation.SecurityToken.ValidFrom);
        await Events.TokenValidated(validated);
        if (validated.Result is { } decided)
        {
            return decided;
        }

        if (Options.SaveToken)
        {
            validated.Properties.StoreTokens([new AuthenticationToken { Name = "access_token", Value = token }]);
        }

        validated.Success();
        return validated.Result!;
    }

    private async Task<AuthenticateResult> RefuseAsync(Exception exception)
    {
        var failed = new AuthenticationFailedContext(Context, Scheme, Options) { Exception = exception };
        await Events.AuthenticationFailed(failed);
        return failed.Result ?? AuthenticateResult.Fail(failed.Exception);
    }

    /// <summary>A claim that the token lacks is DateTime.MinValue.</summary>
    private static DateTimeOffset? Time(DateTime time) => time == DateTime.MinValue ? null : new DateTimeOffset(time);

    private static string Header(JwtBearerChallengeContext challenge)
    {
        (string Name, string? Value)[] parameters =
            [("error", challenge.Error), ("error_description", challenge.ErrorDescription), ("error_uri", challenge.ErrorUri)];
        var said = string.Join(',', parameters.Where(p => !string.IsNullOrEmpty(p.Value)).Select(p => $" {p.Name}=\"{p.Value}\""));

        // A challenge that has parameters of its own ("Bearer realm=...") wants a comma before the next.
        var separator = said.Length > 0 && challenge.Options.Challenge.Contains(' ', StringComparison.Ordinal) ? "," : "";
        return challenge.Options.Challenge + separator + said;
    }
}
