using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Models;

/// <summary>What is wrong with a request of the models API, as problem details that name the field.</summary>
internal static class ModelProblems
{
    private const int MaxBodyBytes = 64 << 10;

    public static IResult ToResult(this RegistryProblem problem) => problem.Kind switch
    {
        RegistryProblemKind.Invalid => Invalid(problem.Field!, problem.Message),
        RegistryProblemKind.NotFound => TypedResults.Problem(problem.Message, statusCode: StatusCodes.Status404NotFound),
        RegistryProblemKind.Outdated => TypedResults.Problem(problem.Message, statusCode: StatusCodes.Status412PreconditionFailed),
        _ => TypedResults.Problem(
            problem.Message,
            statusCode: StatusCodes.Status409Conflict,
            extensions: problem.Field is null ? null : [new("field", problem.Field)]),
    };

    public static IResult Invalid(string field, string message) => Invalid([(field, message)]);

    public static IResult Invalid(IEnumerable<(string Field, string Message)> problems)
    {
        var errors = problems.GroupBy(p => p.Field, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Select(p => p.Message).ToArray(), StringComparer.Ordinal);
        return TypedResults.ValidationProblem(errors, detail: string.Join("; ", errors.Select(e => $"{e.Key}: {e.Value[0]}")));
    }

    /// <summary>A small JSON body, or what is wrong with it.</summary>
    public static async Task<(T? Value, IResult? Problem)> ReadAsync<T>(
        this HttpRequest request, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        var buffer = new byte[MaxBodyBytes + 1];
        var length = await request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        if (length > MaxBodyBytes)
        {
            return (null,
                TypedResults.Problem($"The body is larger than {MaxBodyBytes} bytes.", statusCode: StatusCodes.Status413PayloadTooLarge));
        }

        try
        {
            return JsonSerializer.Deserialize(buffer.AsSpan(0, length), type) is { } value
                ? (value, null)
                : (null, Invalid("body", "must be a JSON object"));
        }
        catch (JsonException exception)
        {
            var field = exception.Path is { Length: > 2 } path ? path[2..] : "body";
            return (null, Invalid(field, $"is not what is expected here, or not JSON: {exception.Message.Split(" Path:")[0]}"));
        }
    }
}
