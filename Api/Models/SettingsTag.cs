using System.Security.Cryptography;
using System.Text.Json;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Api.Models;

/// <summary>The entity tag of a model's settings: the same for the same settings, whoever wrote them.</summary>
internal static class SettingsTag
{
    private const int Digits = 32;

    public static string Of(ModelSettings settings)
    {
        // Postgres keeps names in an order of its own.
        var batching = settings.Batching;
        var ordered = settings with
        {
            Batching = batching with
            {
                Versions = new SortedDictionary<string, BatchingMode>(batching.Versions.ToDictionary(), StringComparer.Ordinal),
            },
        };
        var json = JsonSerializer.SerializeToUtf8Bytes(ordered, ModelsJson.Default.ModelSettings);
        return $"\"{Convert.ToHexStringLower(SHA256.HashData(json))[..Digits]}\"";
    }

    /// <summary>Whether <c>If-Match</c> allows a change; without it everything does.</summary>
    public static bool Matches(HttpRequest request, ModelSettings settings)
    {
        var wanted = request.Headers.IfMatch.ToString();
        return wanted.Length == 0
            || wanted == "*" || wanted.Split(',', StringSplitOptions.TrimEntries).Contains(Of(settings), StringComparer.Ordinal);
    }
}
