using System.Security.Claims;
using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Store;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Api.Models;

/// <param name="Version">A number or an alias.</param>
internal sealed record PromotionRequest(string Version);

/// <param name="Previous">Where a rollback goes; null where there was none.</param>
internal sealed record PromotionAnswer(string Model, string Stable, string? Previous);

/// <summary><c>POST /v1/models/{m}/promote</c> and <c>/rollback</c>: which version answers requests that name none.</summary>
internal static class Promotion
{
    public static void MapPromotion(this IEndpointRouteBuilder models)
    {
        models.MapPost("/{model}/promote", PromoteAsync)
            .WithSummary("Make a version the stable one")
            .WithBody<PromotionRequest>("""{"version":"2"}""")
            .Produces<PromotionAnswer>()
            .ProducesProblem(StatusCodes.Status409Conflict);
        models.MapPost("/{model}/rollback", RollBackAsync)
            .WithSummary("Go back to the version that was stable before")
            .Produces<PromotionAnswer>()
            .ProducesProblem(StatusCodes.Status409Conflict);
    }

    private static async Task<IResult> PromoteAsync(
        string model, HttpRequest request, ClaimsPrincipal caller, ModelRegistry registry, CancellationToken cancellationToken)
    {
        var (wanted, unreadable) = await request.ReadAsync(ModelsJson.Default.PromotionRequest, cancellationToken);
        if (wanted is null)
        {
            return unreadable!;
        }

        return await ChangeAsync(
            model,
            registry,
            async change =>
            {
                if (await change.FindAsync(wanted.Version ?? "", cancellationToken) is not { } version)
                {
                    return RegistryProblem.Invalid("version", $"there is no version '{wanted.Version}' of '{model}'");
                }

                if (version.State != VersionState.Ready)
                {
                    return RegistryProblem.Conflict($"Version {version.Version} of '{model}' is {version.State.ToString().ToLowerInvariant()}; only a ready one can be promoted.", "version");
                }

                var before = await StableAsync(change, cancellationToken);
                if (before != version.Version)
                {
                    change.Model.PreviousStable = before;
                }

                SetStable(change, version.Version);
                change.Record(ModelEventKinds.Promoted, caller.Actor(), version.Version, before is null ? null : $"instead of {before}");
                return null;
            },
            cancellationToken);
    }

    private static Task<IResult> RollBackAsync(string model, ClaimsPrincipal caller, ModelRegistry registry, CancellationToken cancellationToken) =>
        ChangeAsync(
            model,
            registry,
            async change =>
            {
                if (change.Model.PreviousStable is not { } previous || await change.FindAsync(previous, cancellationToken) is not { } version)
                {
                    return RegistryProblem.Conflict($"There is nothing to roll back to: no version of '{model}' was stable before, or it is deleted.");
                }

                // Going back once more goes forward again.
                var before = await StableAsync(change, cancellationToken);
                change.Model.PreviousStable = before;
                SetStable(change, version.Version);
                change.Record(ModelEventKinds.RolledBack, caller.Actor(), version.Version, $"instead of {before}");
                return null;
            },
            cancellationToken);

    // A canary that becomes the stable version is none any more.
    private static void SetStable(ModelChange change, string version)
    {
        var traffic = change.Model.Settings.Traffic;
        change.Model.Settings = change.Model.Settings with
        {
            Traffic = traffic with { Stable = version, Canary = traffic.Canary?.Version == version ? null : traffic.Canary },
        };
    }

    private static async Task<string?> StableAsync(ModelChange change, CancellationToken cancellationToken)
    {
        if (change.Model.Settings.Traffic.Stable is { } stable)
        {
            return stable;
        }

        var ready = await change.Database.ModelVersions
            .Where(v => v.Model == change.Model.Name && v.DeletedAt == null && v.State == VersionState.Ready)
            .Select(v => v.Version).ToListAsync(cancellationToken);
        return ready.MaxBy(CatalogSnapshot.NumberOf);
    }

    private static async Task<IResult> ChangeAsync(
        string model, ModelRegistry registry, Func<ModelChange, Task<RegistryProblem?>> change, CancellationToken cancellationToken)
    {
        PromotionAnswer? answer = null;
        var problem = await registry.ChangeAsync(
            model,
            async made =>
            {
                var problem = await change(made);
                answer = problem is null ? new PromotionAnswer(model, made.Model.Settings.Traffic.Stable!, made.Model.PreviousStable) : null;
                return problem;
            },
            cancellationToken);
        return problem?.ToResult() ?? TypedResults.Json(answer!, ModelsJson.Default.PromotionAnswer);
    }
}
