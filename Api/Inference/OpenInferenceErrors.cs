using System.Text.Encodings.Web;
using System.Text.Json;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Inference;

/// <summary>The protocol's error: one string.</summary>
internal sealed record ErrorBody(string Error);

/// <summary>Answers errors on <c>/v2</c> as <c>{"error": "..."}</c>, whatever part of the pipeline they come from.</summary>
internal static class OpenInferenceErrors
{
    // Quotes stay quotes: the answer is JSON, never markup.
    private static readonly ApiJson Readable = new(new JsonSerializerOptions(ApiJson.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static JsonHttpResult<ErrorBody> Error(int status, string message) =>
        TypedResults.Json(new ErrorBody(message), Readable.ErrorBody, statusCode: status);

    public static void AddOpenInferenceErrors(this IServiceCollection services) =>
        services.Configure<ErrorResponses>(errors => errors.Map("/v2", (context, message) =>
            Error(context.Response.StatusCode, Specific(context) ?? message).ExecuteAsync(context)));

    /// <summary>In words for the caller, since routing and authorization say no more than a status; null for other statuses.</summary>
    public static string? Specific(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status401Unauthorized =>
            $"{context.RefusalReason() ?? "credentials are missing"}: send an API key as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'",
        StatusCodes.Status403Forbidden => "these credentials do not allow this",
        StatusCodes.Status404NotFound => $"there is nothing at {context.Request.Path}",
        StatusCodes.Status405MethodNotAllowed => $"{context.Request.Method} is not possible at {context.Request.Path}",
        _ => null,
    };
}
