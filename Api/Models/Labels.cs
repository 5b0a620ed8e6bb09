using System.Security.Claims;
using System.Text.Json;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Models;

/// <summary><c>PUT /v1/models/{m}/versions/{v}/labels</c>: all labels of a version at once.</summary>
internal static class Labels
{
    private const int MaxLabels = 64;
    private const int MaxKey = 64;
    private const int MaxValue = 256;

    public static void MapLabels(this IEndpointRouteBuilder models) => models.MapPut("/{model}/versions/{version}/labels", PutAsync)
        .WithSummary("Replace the labels of a version")
        .WithBody<IReadOnlyDictionary<string, string>>("""{"trained_by":"somebody"}""")
        .Produces<IReadOnlyDictionary<string, string>>();

    private static async Task<IResult> PutAsync(
        string model, string version, HttpRequest request, ClaimsPrincipal caller, ModelRegistry registry,
        CancellationToken cancellationToken)
    {
        var (labels, unreadable) = await request.ReadAsync(ModelsJson.Default.IReadOnlyDictionaryStringString, cancellationToken);
        if (labels is null)
        {
            return unreadable!;
        }

        if (labels.Count > MaxLabels)
        {
            return ModelProblems.Invalid("body", $"has {labels.Count} labels; {MaxLabels} are allowed");
        }

        var wrong = labels.Where(l =>
            l.Key.Length is 0 or > MaxKey || l.Value is null or { Length: > MaxValue } || l.Key.Contains('\0') || l.Value.Contains('\0'))
            .Select(l => (l.Key, $"must have a key of 1 to {MaxKey} and a text of up to {MaxValue} characters")).ToList();
        if (wrong.Count > 0)
        {
            return ModelProblems.Invalid(wrong);
        }

        var problem = await registry.ChangeAsync(
            model,
            async change =>
            {
                if (await change.FindAsync(version, cancellationToken) is not { } row)
                {
                    return change.Unknown(version);
                }

                row.Labels = labels;
                change.Record(
                    ModelEventKinds.Labelled, caller.Actor(), row.Version,
                    JsonSerializer.Serialize(labels, ModelsJson.Default.IReadOnlyDictionaryStringString));
                return null;
            },
            cancellationToken);
        return problem?.ToResult() ?? TypedResults.Json(labels, ModelsJson.Default.IReadOnlyDictionaryStringString);
    }
}
