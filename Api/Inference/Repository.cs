using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Inference;

internal sealed record RepositoryQuery(bool Ready = false);

/// <param name="Parameters">Of any kind; those of Triton that would change what is loaded are refused.</param>
internal sealed record RepositoryChange(Dictionary<string, JsonElement>? Parameters = null);

/// <param name="State"><c>READY</c> (a worker has it loaded), <c>UNAVAILABLE</c>, or <c>LOADING</c> (not inspected yet).</param>
internal sealed record RepositoryEntry(string Name, string Version, string State, string Reason);

/// <summary>JSON of the repository endpoints.</summary>
[JsonSourceGenerationOptions(AllowDuplicateProperties = false, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RepositoryQuery))]
[JsonSerializable(typeof(RepositoryChange))]
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
        v2.MapPost("/repository/index", IndexAsync)
            .RequireAuthorization(Policies.Observe)
            .WithSummary("All versions of all models, with state and reason")
            .WithBody<RepositoryQuery>("""{"ready":true}""", """[{"name":"digits","version":"1","state":"READY","reason":""}]""")
            .Produces<RepositoryEntry[]>();
        v2.MapPost("/repository/models/{model}/load", LoadAsync)
            .RequireAuthorization(Policies.Administer)
            .WithSummary("Bring a model into service, and have workers load it")
            .Produces(StatusCodes.Status200OK);
        v2.MapPost("/repository/models/{model}/unload", UnloadAsync)
            .RequireAuthorization(Policies.Administer)
            .WithSummary("Take a model out of service")
            .Produces(StatusCodes.Status200OK);
    }

    private static async Task<IResult> IndexAsync(
        HttpRequest request, ClaimsPrincipal caller, ModelCatalog catalog, FleetRegistry fleet, IOptions<LimitOptions> limits,
        CancellationToken cancellationToken)
    {
        var (query, refusal) = await ReadAsync(request, limits.Value, RepositoryJson.Default.RepositoryQuery, cancellationToken);
        if (refusal is not null)
        {
            return refusal;
        }

        return TypedResults.Json(
            await EntriesAsync(caller, query?.Ready == true, catalog, fleet, cancellationToken),
            RepositoryJson.Default.RepositoryEntryArray);
    }

    /// <summary>All versions that the caller may know of.</summary>
    /// <param name="ready">Only those that a worker has loaded.</param>
    public static async Task<RepositoryEntry[]> EntriesAsync(
        ClaimsPrincipal caller, bool ready, ModelCatalog catalog, FleetRegistry fleet, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.RefreshAsync(cancellationToken);
        var loaded = (await fleet.WorkersAsync()).Where(w => w.Ready).SelectMany(w => w.Models).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. snapshot.AllVersions.Where(v => caller.MayUse(v.Model))
                .Select(v => Describe(snapshot, v, loaded)).Where(e => !ready || e.State == "READY"),
        ];
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

    private static Task<IResult> LoadAsync(
        string model, HttpRequest request, ModelRegistry registry, ClaimsPrincipal caller, IOptions<LimitOptions> limits,
        CancellationToken cancellationToken) =>
        SetAsync(model, Residency.Load, ModelEventKinds.Loaded, request, registry, caller, limits.Value, cancellationToken);

    private static Task<IResult> UnloadAsync(
        string model, HttpRequest request, ModelRegistry registry, ClaimsPrincipal caller, IOptions<LimitOptions> limits,
        CancellationToken cancellationToken) =>
        SetAsync(model, Residency.Unload, ModelEventKinds.Unloaded, request, registry, caller, limits.Value, cancellationToken);

    private static async Task<IResult> SetAsync(
        string model, Residency residency, string kind, HttpRequest request, ModelRegistry registry, ClaimsPrincipal caller,
        LimitOptions limits, CancellationToken cancellationToken)
    {
        var (change, refusal) = await ReadAsync(request, limits, RepositoryJson.Default.RepositoryChange, cancellationToken);
        if (refusal is not null)
        {
            return refusal;
        }

        if (Refusal(model, change?.Parameters?.Keys) is { } refused)
        {
            return OpenInferenceErrors.Error(StatusCodes.Status400BadRequest, refused);
        }

        var problem = await SetAsync(model, residency, kind, registry, caller, cancellationToken);
        return problem is null ? TypedResults.Ok() : OpenInferenceErrors.Error(StatusOf(problem), problem.Message);
    }

    /// <summary>Why parameters can't be taken: to ignore these would be to serve another model than the caller thinks.</summary>
    public static string? Refusal(string model, IEnumerable<string>? parameters) =>
        parameters?.FirstOrDefault(k => k == "config" || k.StartsWith("file:", StringComparison.Ordinal)) is { } given
            ? $"parameters.{given}: not supported; settings are changed by PUT /v1/models/{model}/settings, files come by POST /v1/models/{model}/versions"
            : null;

    public static int StatusOf(RegistryProblem problem) =>
        problem.Kind == RegistryProblemKind.NotFound ? StatusCodes.Status404NotFound : StatusCodes.Status400BadRequest;

    /// <returns>Null once it is set; else that there is no such model, or none of its versions can ever be loaded.</returns>
    public static Task<RegistryProblem?> SetAsync(
        string model, Residency residency, string kind, ModelRegistry registry, ClaimsPrincipal caller,
        CancellationToken cancellationToken) =>
        registry.ChangeAsync(
            model,
            async change =>
            {
                change.Model.Residency = residency;
                if (residency == Residency.Load && await WhyNeverAsync(change, cancellationToken) is { } why)
                {
                    return RegistryProblem.Invalid("model", $"failed to load '{model}', no version is available: {why}");
                }

                change.Record(kind, caller.Identity?.Name ?? "unknown");
                return null;
            },
            cancellationToken);

    // Of the registry itself: a snapshot may not know yet what was uploaded or inspected a moment ago.
    private static async Task<string?> WhyNeverAsync(ModelChange change, CancellationToken cancellationToken)
    {
        var versions = await change.Database.ModelVersions.AsNoTracking()
            .Where(v => v.Model == change.Model.Name && v.DeletedAt == null).ToListAsync(cancellationToken);
        return versions.All(v => v.State == VersionState.Rejected)
            ? new CatalogSnapshot([change.Model], versions, [])
                .WhyNot(change.Model.Name, versions.MaxBy(v => CatalogSnapshot.NumberOf(v.Version))!.Version)
            : null;
    }

    // The body is optional: null where there is none.
    private static async Task<(T? Body, IResult? Refusal)> ReadAsync<T>(
        HttpRequest request, LimitOptions limits, JsonTypeInfo<T> json, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            using var body = await RequestBody.ReadOrEmptyAsync(request, limits.MaxBodyBytes, cancellationToken);
            return (body.Span.IsEmpty ? null : JsonSerializer.Deserialize(body.Span, json), null);
        }
        catch (JsonException exception)
        {
            return (null, OpenInferenceErrors.Error(
                StatusCodes.Status400BadRequest, $"the body is not what is expected here: {exception.Message}"));
        }
        catch (InvalidInferBodyException exception)
        {
            return (null, OpenInferenceErrors.Error(StatusCodes.Status400BadRequest, exception.Message));
        }
        catch (BadHttpRequestException exception)
        {
            return (null, OpenInferenceErrors.Error(exception.StatusCode, exception.Message));
        }
    }
}
