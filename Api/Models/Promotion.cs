using System.Security.Claims;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Models;

/// <param name="Version">A number or an alias.</param>
internal sealed record PromotionRequest(string Version);

/// <summary><c>POST /v1/models/{m}/promote</c> and <c>/rollback</c>: which version answers requests that name none.</summary>
internal static class Promotion
{
    public static void MapPromotion(this IEndpointRouteBuilder models)
    {
        models.MapPost("/{model}/promote", PromoteAsync)
            .WithSummary("Make a version the stable one")
            .WithBody<PromotionRequest>("""{"version":"2"}""")
            .Produces<StableVersion>()
            .ProducesProblem(StatusCodes.Status409Conflict);
        models.MapPost("/{model}/rollback", RollBackAsync)
            .WithSummary("Go back to the version that was stable before")
            .Produces<StableVersion>()
            .ProducesProblem(StatusCodes.Status409Conflict);
    }

    private static async Task<IResult> PromoteAsync(
        string model, HttpRequest request, ClaimsPrincipal caller, ModelPromotion promotion, CancellationToken cancellationToken)
    {
        var (wanted, unreadable) = await request.ReadAsync(ModelsJson.Default.PromotionRequest, cancellationToken);
        return wanted is null
            ? unreadable!
            : Answer(await promotion.PromoteAsync(model, wanted.Version ?? "", caller.Actor(), cancellationToken));
    }

    private static async Task<IResult> RollBackAsync(
        string model, ClaimsPrincipal caller, ModelPromotion promotion, CancellationToken cancellationToken) =>
        Answer(await promotion.RollBackAsync(model, caller.Actor(), cancellationToken));

    private static IResult Answer((StableVersion? Stable, RegistryProblem? Problem) outcome) =>
        outcome.Problem?.ToResult() ?? TypedResults.Json(outcome.Stable!, ModelsJson.Default.StableVersion);
}
