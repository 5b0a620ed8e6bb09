using System.Text.Json;
using InferenceTemplate.Api.Inference;

namespace InferenceTemplate.Api.OpenAi;

/// <summary>
/// The fields of requests that are not read here: one that would change the answer is refused by its name and never passed over. Those that
/// only say who asks, or have the value that changes nothing, are.
/// </summary>
internal static class OpenAiFields
{
    private const int MaxShown = 64;

    private static readonly string[] s_ofTheCaller =
        ["user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"];

    /// <summary>Whether it says nothing of the answer.</summary>
    public static bool IsPassedOver(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.Null || s_ofTheCaller.Contains(name, StringComparer.Ordinal);

    /// <param name="others">What the endpoint does not know.</param>
    /// <param name="isNeutral">Whether a field has the value that changes nothing.</param>
    /// <exception cref="InvalidInferBodyException">One of them would change the answer.</exception>
    public static void Refuse(Dictionary<string, JsonElement>? others, Func<string, JsonElement, bool> isNeutral)
    {
        foreach (var (name, value) in others ?? [])
        {
            if (!IsPassedOver(name, value) && !isNeutral(name, value))
            {
                throw Unsupported(Shown(name));
            }
        }
    }

    public static bool IsNumber(JsonElement value, double number) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var given) && given == number;

    public static bool IsText(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.ValueEquals(text);

    public static InvalidInferBodyException Unsupported(string name) => new($"{name}: it is not supported here; leave it out");

    // A name that came in a body, and so may have any length.
    public static string Shown(string name) =>
        string.Concat(name.Take(MaxShown).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
}
