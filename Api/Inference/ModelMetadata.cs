using System.Security.Claims;
using System.Text.Json.Serialization;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Inference;

/// <param name="Shape">-1 stands for a dimension of any size.</param>
/// <param name="Optional">True for an input that requests may leave out, since the model has a value for it; else absent.</param>
internal sealed record TensorMetadata(
    string Name,
    string Datatype,
    long[] Shape,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Optional = null)
{
    public static TensorMetadata[] From(IEnumerable<TensorSignature> tensors) =>
        [.. tensors.Select(t => new TensorMetadata(t.Name, t.Datatype.Name(), t.ToldShape()))];

    public static TensorMetadata[] InputsOf(ModelSignature signature) =>
        [.. From(signature.Inputs), .. From(signature.OptionalInputs).Select(i => i with { Optional = true })];
}

/// <param name="Parameters">Ours, beside what the protocol knows.</param>
internal sealed record ModelMetadata(
    string Name, string[] Versions, string Platform, TensorMetadata[] Inputs, TensorMetadata[] Outputs, MetadataParameters Parameters);

/// <param name="Batching">Whether requests of different callers share runs.</param>
/// <param name="BatchingReason">Why, or why not.</param>
internal sealed record MetadataParameters(bool Batching, string BatchingReason);

internal sealed record ModelReady(string Name, bool Ready);

/// <summary>Names of the models of which a version may be served.</summary>
internal sealed record ModelNameList(string[] Models);

/// <summary><c>GET /v2/models/{m}[/versions/{v}]</c> and its <c>/ready</c>; <c>GET /v2/models</c>, as KServe has it.</summary>
internal static class ModelMetadataEndpoints
{
    public static void MapModelMetadata(this IEndpointRouteBuilder v2, string model)
    {
        v2.MapRead(model, GetAsync).WithSummary("Metadata of a model").Produces<ModelMetadata>();
        v2.MapRead($"{model}/ready", ReadyAsync)
            .WithSummary("Readiness of a model")
            .WithDescription("200 while a live worker has it open or opens it for the next request, else 503.")
            .Produces<ModelReady>()
            .Produces<ModelReady>(StatusCodes.Status503ServiceUnavailable);
    }

    public static void MapModelList(this IEndpointRouteBuilder v2) => v2.MapGet("/models", ListAsync)
        .WithSummary("Names of all models")
        .Produces<ModelNameList>();

    private static async Task<JsonHttpResult<ModelNameList>> ListAsync(
        ClaimsPrincipal caller, ModelCatalog catalog, CancellationToken cancellationToken) =>
        TypedResults.Json(
            new ModelNameList([.. (await catalog.AllAsync(cancellationToken)).Select(v => v.Model)
                .Where(caller.MayUse).Distinct(StringComparer.Ordinal)]),
            ApiJson.Default.ModelNameList);

    /// <summary>The protocol's 404 for what can't be served, with the reason.</summary>
    public static async Task<JsonHttpResult<ErrorBody>> UnknownAsync(
        ModelCatalog catalog, string model, string? version, CancellationToken cancellationToken) =>
        OpenInferenceErrors.Error(StatusCodes.Status404NotFound, (await catalog.SnapshotAsync(cancellationToken)).WhyNot(model, version));

    /// <summary>Null where there is nothing of that name that may be served.</summary>
    public static ModelMetadata? Of(CatalogSnapshot snapshot, string model, string? version)
    {
        if (snapshot.Find(model, version) is not { } found)
        {
            return null;
        }

        var batching = BatchDecision.Of(found, snapshot.SettingsOf(model));
        return new ModelMetadata(
            model,
            [.. snapshot.VersionsOf(model).Select(v => v.Version)],
            found.Platform,
            TensorMetadata.InputsOf(found.Signature),
            TensorMetadata.From(found.Signature.Outputs),
            new MetadataParameters(batching.Batched, batching.Reason));
    }

    /// <summary>Ready means that a live worker has the version open, or opens it for the next request.</summary>
    public static async Task<bool> IsReadyAsync(FleetRegistry fleet, ModelVersion version) =>
        (await fleet.WorkersAsync()).StateOf($"{version.Model}/{version.Version}") >= ModelState.Cold;

    private static async Task<Results<JsonHttpResult<ModelMetadata>, JsonHttpResult<ErrorBody>>> GetAsync(
        string model, string? version, ModelCatalog catalog, CancellationToken cancellationToken) =>
        Of(await catalog.SnapshotAsync(cancellationToken), model, version) is { } metadata
            ? TypedResults.Json(metadata, ApiJson.Default.ModelMetadata)
            : await UnknownAsync(catalog, model, version, cancellationToken);

    // Clients look at the status.
    private static async Task<Results<JsonHttpResult<ModelReady>, JsonHttpResult<ErrorBody>>> ReadyAsync(
        string model, string? version, ModelCatalog catalog, FleetRegistry fleet, CancellationToken cancellationToken)
    {
        if (await catalog.FindAsync(model, version, cancellationToken) is not { } found)
        {
            return await UnknownAsync(catalog, model, version, cancellationToken);
        }

        var ready = await IsReadyAsync(fleet, found);
        return TypedResults.Json(
            new ModelReady(model, ready),
            ApiJson.Default.ModelReady,
            statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }
}
