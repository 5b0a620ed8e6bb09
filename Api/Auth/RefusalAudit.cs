using InferenceTemplate.Api.Audit;
using InferenceTemplate.Data;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace InferenceTemplate.Api.Auth;

/// <summary>Takes down who was refused, and answers as ever. Who was not is remembered for the next requests.</summary>
internal sealed class RefusalAudit(AuditLog audit) : IAuthorizationMiddlewareResultHandler
{
    private readonly AuthorizationMiddlewareResultHandler _answer = new();

    public Task HandleAsync(
        RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded)
        {
            RememberedCallers.Remember(context);
        }
        else if (authorizeResult.Challenged && ApiKeyAuthenticationHandler.Credential(context.Request) is { IsEmpty: false } credential)
        {
            audit.Record(new AuditEvent("login.failed", "anonymous", TenantId: null, Subject(credential), Details(
                context, context.RefusalReason() ?? "credentials of this kind are not accepted here")));
        }
        else if (authorizeResult.Forbidden)
        {
            // As it is mapped, so that nothing of what the caller made up is in it.
            var path = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "unmapped";
            Denied(audit, context, $"{context.Request.Method} {path}", "the role does not allow it");
        }

        return _answer.HandleAsync(next, context, policy, authorizeResult);
    }

    /// <summary>Takes down that a caller who is known was refused.</summary>
    public static void Denied(AuditLog audit, HttpContext context, string subject, string reason) => audit.Record(new AuditEvent(
        "access.denied",
        context.User.Identity?.Name ?? "unnamed",
        context.User.FindFirst(InferenceClaims.Tenant)?.Value,

        // Some come in a body, of any length, and wait in memory until they are written.
        AuditText.Fit(subject, AuditSchema.SubjectLength),
        Details(context, reason))
    {
        ActorTenantId = context.User.FindFirst(InferenceClaims.Tenant)?.Value,
    });

    // The half of a key that is no secret; nothing of what may be one in a wrong place.
    private static string Subject(ReadOnlySpan<char> credential) => ApiKeyFormat.PrefixOf(credential) ?? "token or unreadable credential";

    private static Dictionary<string, string> Details(HttpContext context, string reason) => new(StringComparer.Ordinal)
    {
        ["reason"] = reason,
        ["method"] = context.Request.Method,
        ["path"] = context.Request.Path,
        ["address"] = context.Connection.RemoteIpAddress?.ToString() ?? "unknown",
    };
}
