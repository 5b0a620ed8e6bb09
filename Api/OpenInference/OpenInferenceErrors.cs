using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.WebUtilities;

namespace InferenceTemplate.Api.OpenInference;

/// <summary>The protocol's error: one string.</summary>
internal sealed record ErrorBody(string Error);

/// <summary>Answers errors on <c>/v2</c> as <c>{"error": "..."}</c>, whatever part of the pipeline they come from.</summary>
internal static class OpenInferenceErrors
{
    public static JsonHttpResult<ErrorBody> Error(int status, string message) =>
        TypedResults.Json(new ErrorBody(message), ApiJson.Default.ErrorBody, statusCode: status);

    public static bool Applies(HttpContext context) => context.Request.Path.StartsWithSegments("/v2");

    /// <summary>Gives a body to answers that routing and authorisation leave empty: 401, 403, 404, 405.</summary>
    public static void UseOpenInferenceErrors(this IApplicationBuilder app) => app.UseStatusCodePages(async pages =>
    {
        var context = pages.HttpContext;
        var message = Message(context);
        if (Applies(context))
        {
            await Error(context.Response.StatusCode, message).ExecuteAsync(context);
        }
        else
        {
            await TypedResults.Problem(message, statusCode: context.Response.StatusCode).ExecuteAsync(context);
        }
    });

    private static string Message(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status401Unauthorized =>
            "credentials are missing, unknown, revoked or expired: send an API key as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'",
        StatusCodes.Status403Forbidden => "these credentials do not allow this",
        StatusCodes.Status404NotFound => $"there is nothing at {context.Request.Path}",
        StatusCodes.Status405MethodNotAllowed => $"{context.Request.Method} is not possible at {context.Request.Path}",
        var status => ReasonPhrases.GetReasonPhrase(status),
    };
}
