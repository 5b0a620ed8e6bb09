using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Core.Generation;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.OpenAi;

/// <summary>An error as clients of OpenAI read it.</summary>
internal sealed record OpenAiError(OpenAiErrorBody Error);

/// <param name="Param">The field that is wrong; null where it is none or not known.</param>
internal sealed record OpenAiErrorBody(string Message, string Type, string? Param, string? Code);

internal static partial class OpenAiErrors
{
    private const string Quota = "insufficient_quota";

    public static JsonHttpResult<OpenAiError> Error(int status, string message, string? param = null) =>
        TypedResults.Json(Of(status, message, param), OpenAiJson.Default.OpenAiError, statusCode: status);

    public static OpenAiError Of(int status, string message, string? param = null) => IsQuota(status, message)
        ? new(new(message, Quota, param, Quota))
        : new(new(message, TypeOf(status), param, CodeOf(status, message)));

    /// <summary>
    /// Gives problem details OpenAI's error too, where its clients read nothing else: of models, which they list by their own path, and of
    /// what is not served at all.
    /// </summary>
    public static void AddTo(ProblemDetailsContext problem)
    {
        var (context, details) = (problem.HttpContext, problem.ProblemDetails);
        var isNowhere = context.GetEndpoint() is null && details.Status == StatusCodes.Status404NotFound;
        if (context.Request.Path.StartsWithSegments(isNowhere ? "/v1" : "/v1/models", StringComparison.OrdinalIgnoreCase))
        {
            var status = details.Status ?? context.Response.StatusCode;
            var error = Of(status, details.Detail ?? details.Title ?? "").Error;
            details.Extensions["error"] = JsonSerializer.SerializeToElement(
                isNowhere ? error with { Code = "unknown_url" } : error, OpenAiJson.Default.OpenAiErrorBody);
        }
    }

    /// <summary>Whether a month's limit is reached: to come again is no use before the next.</summary>
    public static bool IsQuota(int status, string message) =>
        status == StatusCodes.Status429TooManyRequests && message.Contains(TenantGate.Stopped, StringComparison.Ordinal);

    /// <summary>What no handler answered, such as 401.</summary>
    public static Task WriteAsync(HttpContext context, string message) =>
        Error(context.Response.StatusCode, OpenInferenceErrors.Specific(context) ?? message).ExecuteAsync(context);

    /// <summary>The field that a message is about: it begins with its name.</summary>
    public static string? FieldOf(string message) =>
        Field().Match(message) is { Success: true } field ? field.Groups["name"].Value : null;

    private static string TypeOf(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        >= StatusCodes.Status500InternalServerError => "server_error",
        _ => "invalid_request_error",
    };

    private static string? CodeOf(int status, string message) => status switch
    {
        StatusCodes.Status400BadRequest when message.Contains(GenerationSignature.ContextExceeded, StringComparison.Ordinal)
            => "context_length_exceeded",
        StatusCodes.Status401Unauthorized => "invalid_api_key",
        StatusCodes.Status404NotFound => "model_not_found",
        StatusCodes.Status429TooManyRequests => "rate_limit_exceeded",
        _ => null,
    };

    [GeneratedRegex(
        @"^(?<name>[a-z_]+(\[[0-9]+\])?(\.[a-z_]+(\[[0-9]+\])?)*): ", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Field();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(OpenAiError))]
internal sealed partial class OpenAiJson : JsonSerializerContext;
