using System.Text.Json;
using System.Text.Json.Nodes;

namespace InferenceTemplate.Api.Tenants;

/// <summary>Reads what callers want of a tenant.</summary>
internal static class TenantBody
{
    private const int MaxBytes = 256 << 10;

    /// <summary>The body as an object, or what is wrong with it.</summary>
    public static async Task<(JsonObject? Body, TenantProblem? Problem)> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxBytes + 1];
        var length = await request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        if (length > MaxBytes)
        {
            return (null, Wrong("body", $"larger than {MaxBytes} bytes"));
        }

        try
        {
            // Doubled names are refused here and not when the object is first asked for one.
            return JsonNode.Parse(
                buffer.AsSpan(0, length), documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) is JsonObject body
                ? (body, null)
                : (null, Wrong("body", "must be a JSON object"));
        }
        catch (JsonException exception)
        {
            return (null, Wrong("body", $"is not JSON: {exception.Message}"));
        }
    }

    /// <summary>The settings that an object names; what it does not name is as given (JSON Merge Patch, RFC 7396).</summary>
    public static (TenantSettings? Settings, TenantProblem? Problem) Merge(TenantSettings present, JsonObject patch)
    {
        var merged = JsonSerializer.SerializeToNode(present, TenantsJson.Default.TenantSettings)!.AsObject();
        foreach (var (name, value) in patch)
        {
            merged[name] = value?.DeepClone();
        }

        try
        {
            return (merged.Deserialize(TenantsJson.Default.TenantSettings), null);
        }
        catch (JsonException exception)
        {
            var field = exception.Path is { Length: > 2 } path ? path[2..] : "body";
            return (null, Wrong(field, $"is not what is expected here: {exception.Message.Split(" Path:")[0]}"));
        }
    }

    public static TenantProblem Wrong(string field, string message) =>
        new(TenantProblemKind.Invalid, $"{field}: {message}", [(field, message)]);

    public static IResult ToResult(this TenantProblem problem) => problem.Kind switch
    {
        TenantProblemKind.Invalid => TypedResults.ValidationProblem(
            problem.Fields!.GroupBy(f => f.Field, StringComparer.Ordinal)
                .ToDictionary(g => g.Key, g => g.Select(f => f.Message).ToArray(), StringComparer.Ordinal),
            detail: problem.Message),
        TenantProblemKind.NotFound => TypedResults.Problem(problem.Message, statusCode: StatusCodes.Status404NotFound),
        _ => TypedResults.Problem(problem.Message, statusCode: StatusCodes.Status409Conflict),
    };
}
