using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Serialization;
using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Fleet;
using InferenceTemplate.Inference.Identity;
using InferenceTemplate.Inference.Store;

namespace InferenceTemplate.Api.OpenInference;

internal sealed record RepositoryQuery(bool Ready = false);

/// <param name="State"><c>READY</c> (a worker has it loaded), <c>UNAVAILABLE</c>, or <c>LOADING</c> (not inspected yet).</param>
internal sealed record RepositoryEntry(string Name, string Version, string State, string Reason);

/// <summary>JSON of the repository endpoints.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RepositoryQuery))]
[JsonSerializable(typeof(RepositoryEntry[]))]
internal sealed partial class RepositoryJson : JsonSerializerContext;

/// <summary>
/// The protocol's model repository extension: <c>POST /v2/repository/index</c> and
/// <c>/v2/repository/models/{m}/load|unload</c>, which tell workers what to hold in memory.
/// </summary>
internal static class Repository
{
    public static void MapRepository(this IEndpointRouteBuilder v2)
    {
        v2.MapPost("/repository/index", IndexAsync).RequireAuthorization(Policies.Observe);
        v2.MapPost("/repository/models/{model}/load", LoadAsync).RequireAuthorization(Policies.Administer);
        v2.MapPost("/repository/models/{model}/unload", UnloadAsync).RequireAuthorization(Policies.Administer);
    }

    private static async Task<IResult> IndexAsync(
        HttpRequest request, ClaimsPrincipal caller, ModelCatalog catalog, FleetRegistry fleet, CancellationToken cancellationToken)
    {
        RepositoryQuery query;
        try
        {
            // The body is optional.
            using var body = await JsonDocumentOrNullAsync(request, cancellationToken);
            query = body?.Deserialize(RepositoryJson.Default.RepositoryQuery) ?? new RepositoryQuery();
        }
        catch (JsonException exception)
        {
            return OpenInferenceErrors.Error(StatusCodes.Status400BadRequest, $"the body is not {{\"ready\": bool}}: {exception.Message}");
        }

        var snapshot = await catalog.RefreshAsync(cancellationToken);
        var loaded = (await fleet.WorkersAsync()).Where(w => w.Ready).SelectMany(w => w.Models).ToHashSet(StringComparer.Ordinal);
        var entries = snapshot.AllVersions.Where(v => caller.MayUse(v.Model))
            .Select(v => Describe(snapshot, v, loaded)).Where(e => !query.Ready || e.State == "READY");
        return TypedResults.Json([.. entries], RepositoryJson.Default.RepositoryEntryArray);
    }

    private static RepositoryEntry Describe(CatalogSnapshot snapshot, ModelVersion version, HashSet<string> loaded)
    {
        var (state, reason) = version.State switch
        {
            VersionState.Pending => ("LOADING", "not inspected yet"),
            VersionState.Rejected => ("UNAVAILABLE", version.Reason ?? ""),
            _ when snapshot.ResidencyOf(version.Model) == Residency.Unload => ("UNAVAILABLE", "unloaded"),
            _ when loaded.Contains($"{version.Model}/{version.Version}") => ("READY", ""),
            _ => ("UNAVAILABLE", "not loaded by any worker"),
        };
        return new RepositoryEntry(version.Model, version.Version, state, reason);
    }

    private static Task<IResult> LoadAsync(string model, ModelRegistry registry, ClaimsPrincipal caller, CancellationToken cancellationToken) =>
        SetAsync(model, Residency.Load, ModelEventKinds.Loaded, registry, caller, cancellationToken);

    private static Task<IResult> UnloadAsync(string model, ModelRegistry registry, ClaimsPrincipal caller, CancellationToken cancellationToken) =>
        SetAsync(model, Residency.Unload, ModelEventKinds.Unloaded, registry, caller, cancellationToken);

    private static async Task<IResult> SetAsync(
        string model, Residency residency, string kind, ModelRegistry registry, ClaimsPrincipal caller, CancellationToken cancellationToken)
    {
        var problem = await registry.ChangeAsync(
            model,
            change =>
            {
                change.Model.Residency = residency;
                change.Record(kind, caller.Identity?.Name ?? "unknown");
                return Task.FromResult<RegistryProblem?>(null);
            },
            cancellationToken);
        return problem is null ? TypedResults.Ok() : OpenInferenceErrors.Error(StatusCodes.Status404NotFound, problem.Message);
    }

    private static async Task<JsonDocument?> JsonDocumentOrNullAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        return body.Length == 0 ? null : JsonDocument.Parse(body.ToArray());
    }
}
