using System.Security.Claims;
using System.Text.Json.Serialization;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Core.Statistics;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Inference;

/// <param name="Ns">Nanoseconds, of all together.</param>
internal sealed record StatisticDuration(long Count, long Ns)
{
    public static StatisticDuration Of(CountedTime time) => new(time.Count, time.Nanoseconds);
}

/// <summary>Of requests. Those that shared a run each count its whole time.</summary>
internal sealed record InferenceStatistics(
    StatisticDuration Success,
    StatisticDuration Fail,
    StatisticDuration Queue,
    StatisticDuration ComputeInput,
    StatisticDuration ComputeInfer,
    StatisticDuration ComputeOutput,
    StatisticDuration CacheHit,
    StatisticDuration CacheMiss);

/// <summary>Of runs with so many rows.</summary>
internal sealed record BatchStatistics(
    int BatchSize, StatisticDuration ComputeInput, StatisticDuration ComputeInfer, StatisticDuration ComputeOutput);

/// <param name="LastInference">Unix time in milliseconds; 0 where there was none.</param>
/// <param name="InferenceCount">Rows that were run.</param>
/// <param name="ExecutionCount">Runs: divided by them, the rows give the mean batch.</param>
internal sealed record ModelStatisticsEntry(
    string Name,
    string Version,
    long LastInference,
    long InferenceCount,
    long ExecutionCount,
    InferenceStatistics InferenceStats,
    BatchStatistics[] BatchStats)
{
    public static ModelStatisticsEntry Of(ModelVersion version, VersionStatistics counts)
    {
        StatisticDuration Time(RequestTime time) => StatisticDuration.Of(counts[time]);
        return new ModelStatisticsEntry(
            version.Model,
            version.Version,
            counts.LastInference,
            counts.Inferences,
            counts.Executions,
            new InferenceStatistics(
                Time(RequestTime.Success), Time(RequestTime.Fail), Time(RequestTime.Queue), Time(RequestTime.ComputeInput),
                Time(RequestTime.ComputeInfer), Time(RequestTime.ComputeOutput), Time(RequestTime.CacheHit), Time(RequestTime.CacheMiss)),
            [.. counts.Batches.Select(b => new BatchStatistics(
                b.Key,
                new StatisticDuration(b.Value.Count, b.Value.InputNanoseconds),
                new StatisticDuration(b.Value.Count, b.Value.InferNanoseconds),
                new StatisticDuration(b.Value.Count, b.Value.OutputNanoseconds)))]);
    }
}

internal sealed record ModelStatisticsAnswer(ModelStatisticsEntry[] ModelStats);

/// <summary>JSON of the statistics endpoints.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ModelStatisticsAnswer))]
internal sealed partial class StatisticsJson : JsonSerializerContext;

/// <summary>
/// The statistics extension: <c>GET /v2/models/stats</c>, <c>/v2/models/{m}[/versions/{v}]/stats</c>, over all replicas and workers, a
/// second old at most while Redis answers.
/// </summary>
internal static class StatisticsEndpoints
{
    public static void MapStatistics(this IEndpointRouteBuilder v2) => v2.MapGet("/models/stats", AllAsync)
        .WithSummary("Statistics of all models")
        .Produces<ModelStatisticsAnswer>();

    public static void MapModelStatistics(this IEndpointRouteBuilder v2, string model) => v2.MapGet($"{model}/stats", OneAsync)
        .WithSummary("Statistics of a model")
        .WithDescription("Of all its versions where none is named.")
        .Produces<ModelStatisticsAnswer>();

    private static async Task<IResult> AllAsync(
        ClaimsPrincipal caller, ModelCatalog catalog, ModelStatistics statistics, CancellationToken cancellationToken) =>
        await AnswerAsync((await catalog.AllAsync(cancellationToken)).Where(v => caller.MayUse(v.Model)), statistics);

    private static async Task<IResult> OneAsync(
        string model, string? version, ModelCatalog catalog, ModelStatistics statistics, CancellationToken cancellationToken)
    {
        if (version is null && await catalog.VersionsAsync(model, cancellationToken) is { Count: > 0 } all)
        {
            return await AnswerAsync(all, statistics);
        }

        return await catalog.FindAsync(model, version, cancellationToken) is { } found
            ? await AnswerAsync([found], statistics)
            : await ModelMetadataEndpoints.UnknownAsync(catalog, model, version, cancellationToken);
    }

    public static Task<ModelStatisticsEntry[]> EntriesAsync(IEnumerable<ModelVersion> versions, ModelStatistics statistics) =>
        Task.WhenAll(versions.Select(async v => ModelStatisticsEntry.Of(v, await statistics.ReadAsync(v.Model, v.Version))));

    private static async Task<IResult> AnswerAsync(IEnumerable<ModelVersion> versions, ModelStatistics statistics) => TypedResults.Json(
        new ModelStatisticsAnswer(await EntriesAsync(versions, statistics)), StatisticsJson.Default.ModelStatisticsAnswer);
}
