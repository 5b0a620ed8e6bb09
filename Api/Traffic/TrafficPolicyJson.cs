using System.Text.Json;

namespace InferenceTemplate.Api.Traffic;

/// <summary>Reads a policy from a request's body, and says which field is wrong where it can't be read.</summary>
internal static class TrafficPolicyJson
{
    public static async Task<(TrafficPolicyBody? Body, Dictionary<string, string[]> Problems)> ReadAsync(
        HttpRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await JsonSerializer.DeserializeAsync(request.Body, ApiJson.Default.TrafficPolicyBody, cancellationToken) is { } body
                ? (body, [])
                : (null, Problem("$", "an object expected"));
        }
        catch (JsonException exception)
        {
            return (null, Problem(
                exception.Path is { Length: > 2 } path ? path[2..] : "$",
                exception.InnerException is null
                    ? $"not what is expected here: {exception.Message.Split(" Path:")[0]}"
                    : exception.InnerException.Message));
        }
    }

    private static Dictionary<string, string[]> Problem(string field, string message) =>
        new(StringComparer.Ordinal) { [field] = [message] };
}
