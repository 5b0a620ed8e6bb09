namespace Microsoft.AspNetCore.Authentication.JwtBearer;

/// <summary>Where an application can step into bearer authentication: set the delegates, or override the methods.</summary>
public class JwtBearerEvents
{
    /// <summary>A token was refused, or validating it failed.</summary>
    public Func<AuthenticationFailedContext, Task> OnAuthenticationFailed { get; set; } = _ => Task.CompletedTask;

    /// <summary>Authorization failed for an authenticated caller.</summary>
    public Func<ForbiddenContext, Task> OnForbidden { get; set; } = _ => Task.CompletedTask;

    /// <summary>Before anything else: the token may be taken from elsewhere.</summary>
    public Func<MessageReceivedContext, Task> OnMessageReceived { get; set; } = _ => Task.CompletedTask;

    /// <summary>The token is valid; the principal may be changed, or still refused.</summary>
    public Func<TokenValidatedContext, Task> OnTokenValidated { get; set; } = _ => Task.CompletedTask;

    /// <summary>Before the 401 and its header are written.</summary>
    public Func<JwtBearerChallengeContext, Task> OnChallenge { get; set; } = _ => Task.CompletedTask;

    public virtual Task AuthenticationFailed(AuthenticationFailedContext context) => OnAuthenticationFailed(context);

    public virtual Task Forbidden(ForbiddenContext context) => OnForbidden(context);

    public virtual Task MessageReceived(MessageReceivedContext context) => OnMessageReceived(context);

    public virtual Task TokenValidated(TokenValidatedContext context) => OnTokenValidated(context);

    public virtual Task Challenge(JwtBearerChallengeContext context) => OnChallenge(context);
}
