using System.Text.Json.Serialization;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Catalog;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Inference;

/// <summary>JSON of the configuration endpoint.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ModelConfiguration))]
internal sealed partial class ConfigurationJson : JsonSerializerContext;

/// <summary>The model configuration extension: <c>GET /v2/models/{m}[/versions/{v}]/config</c>.</summary>
internal static class ModelConfigurationEndpoint
{
    public static void MapModelConfiguration(this IEndpointRouteBuilder v2, string model) => v2.MapGet($"{model}/config", GetAsync)
        .WithSummary("Configuration of a model")
        .WithDescription("How a version is served, by its settings and by the workers that are there, with Triton's keys.")
        .Produces<ModelConfiguration>();

    private static async Task<IResult> GetAsync(
        string model, string? version, ModelCatalog catalog, FleetRegistry fleet, IOptions<QueueOptions> queue,
        CancellationToken cancellationToken)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        return snapshot.Find(model, version) is { } found
            ? TypedResults.Json(
                ModelConfiguration.Of(found, snapshot.SettingsOf(model), await fleet.WorkersAsync(), queue.Value),
                ConfigurationJson.Default.ModelConfiguration)
            : await ModelMetadataEndpoints.UnknownAsync(catalog, model, version, cancellationToken);
    }
}
