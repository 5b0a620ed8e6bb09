using InferenceTemplate.Api.Audit;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Auth;

/// <summary>
/// Whoever may not use a model is answered as if it did not exist: on every endpoint whose path has a <c>{model}</c>, so that none
/// can forget to ask. Answers that list models ask <see cref="ModelScope.MayUse"/> themselves.
/// </summary>
internal static class ModelAccess
{
    /// <summary>To stand behind authorization.</summary>
    public static void UseModelAccess(this WebApplication app)
    {
        var audit = app.Services.GetRequiredService<AuditLog>();
        app.Use((context, next) =>
            context.Request.RouteValues.TryGetValue("model", out var value) && value is string model && !context.User.MayUse(model)
                ? HideAsync(context, model, audit)
                : next(context));
    }

    private static Task HideAsync(HttpContext context, string model, AuditLog audit)
    {
        RefusalAudit.Denied(audit, context, model, "the model is not among those that the caller may use");
        var version = context.Request.RouteValues.GetValueOrDefault("version") as string;
        var unknown = context.GetEndpoint()?.Metadata.GetMetadata<UnknownModel>();
        return (unknown?.Answer(model, version) ?? NotFound(model, version)).ExecuteAsync(context);
    }

    private static ProblemHttpResult NotFound(string model, string? version) => TypedResults.Problem(
        version is null ? $"There is no model '{model}'." : $"There is no version '{version}' of a model '{model}'.",
        statusCode: StatusCodes.Status404NotFound);
}
