using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Security;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Models;

/// <summary>
/// <c>GET</c> of models and versions. Read afresh: whoever has just changed something through another replica must see it.
/// </summary>
internal static class ModelReads
{
    /// <summary>The list, by which clients of OpenAI also try whether their key is one.</summary>
    public static void MapModelList(this IEndpointRouteBuilder models) =>
        models.MapGet("", ListAsync).WithSummary("All models").WithMetadata(new OpenQuery()).Produces<ModelList>();

    /// <summary>One model, which clients of OpenAI retrieve by the name that they call it by.</summary>
    public static void MapModelRead(this IEndpointRouteBuilder models)
    {
        models.MapGet("/{model}", GetAsync)
            .WithSummary("A model: settings, aliases, versions")
            .WithDescription("For keys of the role service only what the list of clients of OpenAI says of it.")
            .WithMetadata(new OpenQuery())
            .Produces<ModelDetails>();
        models.MapGet("/{model}:{version}", GetVersionAsync)
            .WithSummary("A version that may be called, as clients of OpenAI name it")
            .WithMetadata(new OpenQuery())
            .Produces<ListedModel>();
    }

    public static void MapModelReads(this IEndpointRouteBuilder models)
    {
        models.MapGet("/{model}/versions", VersionsAsync).WithSummary("Versions of a model, in every state").Produces<VersionList>();
        models.MapGet("/{model}/versions/{version}", VersionAsync).WithSummary("A version of a model").Produces<VersionDetails>();
    }

    /// <summary>A version in any state, by number or alias.</summary>
    public static Data.ModelVersion? FindAny(this CatalogSnapshot snapshot, string model, string version)
    {
        var number = snapshot.AliasesOf(model).FirstOrDefault(a => a.Alias == version)?.Version ?? version;
        return snapshot.AllVersionsOf(model).FirstOrDefault(v => v.Version == number);
    }

    public static IResult Unknown(string model, string version) =>
        RegistryProblem.NotFound($"There is no version '{version}' of a model '{model}'.").ToResult();

    private static async Task<IResult> ListAsync(ClaimsPrincipal caller, ModelCatalog catalog, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.RefreshAsync(cancellationToken);
        return TypedResults.Json(
            ModelList.Of([.. snapshot.Models.Where(m => caller.MayUse(m.Name)).Select(m => ModelSummary.From(snapshot, m))]),
            ModelsJson.Default.ModelList);
    }

    private static async Task<IResult> GetAsync(
        string model, ClaimsPrincipal caller, ModelCatalog catalog, HttpResponse response, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.RefreshAsync(cancellationToken);
        if (snapshot.ModelOf(model) is not { } found)
        {
            return RegistryProblem.NotFound($"There is no model '{model}'.").ToResult();
        }

        if (!caller.IsInRole(Roles.Admin) && !caller.IsInRole(Roles.User))
        {
            return TypedResults.Json(ListedModel.Of(found.Name, found.UpdatedAt), ModelsJson.Default.ListedModel);
        }

        response.Headers.ETag = SettingsTag.Of(found.Settings);
        return TypedResults.Json(ModelDetails.From(snapshot, found), ModelsJson.Default.ModelDetails);
    }

    private static async Task<IResult> GetVersionAsync(
        string model, string version, ModelCatalog catalog, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.RefreshAsync(cancellationToken);
        return snapshot.Find(model, version) is { } found
            ? TypedResults.Json(ListedModel.Of($"{model}:{version}", found.RegisteredAt), ModelsJson.Default.ListedModel)
            : TypedResults.Problem(snapshot.WhyNot(model, version), statusCode: StatusCodes.Status404NotFound);
    }

    private static async Task<IResult> VersionsAsync(string model, ModelCatalog catalog, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.RefreshAsync(cancellationToken);
        VersionDetails[] versions = [.. snapshot.AllVersionsOf(model).Select(v => VersionDetails.From(v, snapshot.SettingsOf(model)))];
        return versions.Length == 0
            ? RegistryProblem.NotFound($"There is no model '{model}'.").ToResult()
            : TypedResults.Json(new VersionList(versions), ModelsJson.Default.VersionList);
    }

    private static async Task<IResult> VersionAsync(string model, string version, ModelCatalog catalog, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.RefreshAsync(cancellationToken);
        return snapshot.FindAny(model, version) is { } found
            ? TypedResults.Json(VersionDetails.From(found, snapshot.SettingsOf(model)), ModelsJson.Default.VersionDetails)
            : Unknown(model, version);
    }
}
