using System.Security.Claims;
using System.Text.Json.Serialization;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Models;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Drift;

/// <param name="State"><c>collecting</c> while either side has fewer than 300 requests, <c>steady</c> or <c>drifted</c>.</param>
/// <param name="PsiByChance">What chance alone exceeds once in a million comparisons; a drift must be beyond it.</param>
/// <param name="Ks">Null for categories.</param>
internal sealed record TensorDriftView(
    string Name, string Direction, string Kind, string State, int BaselineRequests, int Requests, double NotFiniteShare, double? Psi,
    double? PsiByChance, double? Ks, double? KsByChance)
{
    public static TensorDriftView Of(TensorDrift tensor) => new(
        tensor.Tensor, tensor.IsOutput ? "output" : "input", tensor.Kind,
        tensor.Comparison is null ? "collecting" : tensor.HasDrifted ? "drifted" : "steady",
        tensor.BaselineRequests, tensor.Requests, tensor.NotFiniteShare, tensor.Comparison?.Psi, tensor.Comparison?.PsiByChance,
        tensor.Comparison?.Ks, tensor.Comparison?.KsByChance);
}

internal sealed record DriftBaselineView(DateTimeOffset FixedAt, string Actor, DateTimeOffset From, DateTimeOffset To, int Requests);

/// <param name="State"><c>no_baseline</c>, <c>collecting</c>, <c>steady</c> or <c>drifted</c>.</param>
internal sealed record VersionDriftView(
    string Version, string State, DriftBaselineView? Baseline, DateTimeOffset? From, DateTimeOffset? To, int Requests,
    TensorDriftView[] Tensors)
{
    public static VersionDriftView Of(VersionDrift seen) => new(
        seen.Version,
        seen.Baseline is null ? "no_baseline"
            : seen.HasDrifted ? "drifted"
            : seen.Tensors.All(t => t.Comparison is null) ? "collecting" : "steady",
        seen.Baseline is { } fixedAs ? new(fixedAs.FixedAt, fixedAs.Actor, fixedAs.From, fixedAs.To, fixedAs.Requests) : null,
        seen.From, seen.To, seen.Requests, [.. seen.Tensors.Select(TensorDriftView.Of)]);
}

/// <summary>The answer of <c>GET /v1/models/{m}/drift</c>.</summary>
/// <param name="Versions">The stable one, and the canary where there is one.</param>
internal sealed record DriftView(string Model, DriftSettings Settings, VersionDriftView[] Versions);

/// <param name="Version">Null for the stable one.</param>
internal sealed record BaselineRequest(string? Version = null);

/// <summary><c>/v1/models/{m}/drift</c>: whether inputs and outputs are what they were.</summary>
internal static class DriftEndpoints
{
    /// <summary>Adds what compares, which judges of canaries ask too.</summary>
    public static IServiceCollection AddDriftComparison(this IServiceCollection services)
    {
        services.AddOptions<DriftOptions>().BindConfiguration(DriftOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<DriftStore>();
        services.AddSingleton<DriftReader>();
        services.AddSingleton<DriftBaselines>();
        return services;
    }

    /// <summary>Adds what takes samples, and the watch over them.</summary>
    public static IServiceCollection AddDrift(this IServiceCollection services)
    {
        services.AddSingleton<DriftSampler>();
        services.AddHostedServiceAfterSchema<DriftGathering>();
        services.AddHostedServiceAfterSchema<DriftWatch>();
        return services;
    }

    public static void MapDrift(this IEndpointRouteBuilder endpoints)
    {
        var drift = endpoints.MapGroup("/v1/models/{model}/drift");
        drift.MapGet("", GetAsync)
            .RequireAuthorization(Policies.Observe).WithSummary("Whether inputs and outputs are what they were").Produces<DriftView>();
        drift.MapPost("baseline", FixAsync)
            .RequireAuthorization(Policies.Administer)
            .WithSummary("Compare with what a version was sent and answered last")
            .WithBody<BaselineRequest>("""{"version":"2"}""")
            .Produces<DriftView>()
            .ProducesProblem(StatusCodes.Status409Conflict);
    }

    private static async Task<IResult> GetAsync(
        string model, ModelCatalog catalog, DriftReader reader, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        return snapshot.ModelOf(model) is null
            ? RegistryProblem.NotFound($"There is no model '{model}'.").ToResult()
            : await AnswerAsync(model, snapshot, reader, cancellationToken);
    }

    private static async Task<IResult> FixAsync(
        string model, HttpRequest request, ClaimsPrincipal caller, ModelCatalog catalog, DriftBaselines baselines, DriftReader reader,
        CancellationToken cancellationToken)
    {
        var (body, unreadable) = await request.ReadAsync(DriftJson.Default.BaselineRequest, cancellationToken);
        if (body is null)
        {
            return unreadable!;
        }

        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        if (snapshot.Find(model, body.Version) is not { } version)
        {
            return RegistryProblem.NotFound(snapshot.WhyNot(model, body.Version)).ToResult();
        }

        return await baselines.FixAsync(model, version.Version, caller.Actor(), cancellationToken) is { } problem
            ? problem.ToResult()
            : await AnswerAsync(model, snapshot, reader, cancellationToken);
    }

    private static async Task<IResult> AnswerAsync(
        string model, CatalogSnapshot snapshot, DriftReader reader, CancellationToken cancellationToken)
    {
        var settings = snapshot.SettingsOf(model);
        var versions = new List<VersionDriftView>();
        string?[] served = [snapshot.StableOf(model)?.Version, settings.Traffic.Canary?.Version];
        foreach (var version in served.OfType<string>().Distinct())
        {
            versions.Add(VersionDriftView.Of(await reader.ReadAsync(model, version, settings.Drift, cancellationToken)));
        }

        return TypedResults.Json(new DriftView(model, settings.Drift, [.. versions]), DriftJson.Default.DriftView);
    }
}

[JsonSourceGenerationOptions(
    AllowDuplicateProperties = false,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(DriftView))]
[JsonSerializable(typeof(BaselineRequest))]
internal sealed partial class DriftJson : JsonSerializerContext;
