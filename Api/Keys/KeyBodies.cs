using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using InferenceTemplate.Api.Auth;

namespace InferenceTemplate.Api.Keys;

/// <summary>Bodies of the keys API, and what is wrong with them as problem details that name the field.</summary>
internal static class KeyBodies
{
    public static Task<(T? Value, IResult? Problem)> ReadAsync<T>(
        HttpRequest request, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class =>
        ReadOptionalAsync(request, type, absent: null, cancellationToken);

    /// <param name="absent">What an empty body stands for; null where there must be one.</param>
    public static async Task<(T? Value, IResult? Problem)> ReadOptionalAsync<T>(
        HttpRequest request, JsonTypeInfo<T> type, T? absent, CancellationToken cancellationToken)
        where T : class
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        if (body.Length == 0 && absent is not null)
        {
            return (absent, null);
        }

        try
        {
            return JsonSerializer.Deserialize(body.GetBuffer().AsSpan(0, (int)body.Length), type) is { } value
                ? (value, null)
                : (null, Invalid("body", "must be a JSON object"));
        }
        catch (JsonException exception)
        {
            var field = exception.Path is { Length: > 2 } path ? path[2..] : "body";
            return (null, Invalid(field, $"is not what is expected here, or not JSON: {exception.Message.Split(" Path:")[0]}"));
        }
    }

    public static IResult Refused(ApiKeyProblem problem) =>
        problem.Field is { } field ? Invalid(field, problem.Message)
        : TypedResults.Problem(
            problem.Message, statusCode: problem.IsUnknown ? StatusCodes.Status404NotFound : StatusCodes.Status409Conflict);

    public static IResult Invalid(string field, string message) => TypedResults.ValidationProblem(
        new Dictionary<string, string[]>(StringComparer.Ordinal) { [field] = [message] }, detail: $"{field}: {message}");
}
