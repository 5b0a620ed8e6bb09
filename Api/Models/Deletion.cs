using System.Security.Claims;
using InferenceTemplate.Api.Auth;

namespace InferenceTemplate.Api.Models;

/// <summary><c>DELETE /v1/models/{m}</c> and <c>/v1/models/{m}/versions/{v}</c>.</summary>
internal static class Deletion
{
    public static void MapDeletion(this IEndpointRouteBuilder models)
    {
        models.MapDelete("/{model}/versions/{version}", DeleteVersionAsync)
            .WithSummary("Delete a version")
            .Produces(StatusCodes.Status204NoContent)
            .ProducesProblem(StatusCodes.Status409Conflict);
        models.MapDelete("/{model}", DeleteModelAsync)
            .WithSummary("Delete a model, with all that belongs to it")
            .Produces(StatusCodes.Status204NoContent);
    }

    private static async Task<IResult> DeleteVersionAsync(
        string model, string version, ClaimsPrincipal caller, ModelRemoval removal, CancellationToken cancellationToken, bool force = false)
    {
        var problem = await removal.DeleteVersionAsync(model, version, force, caller.Actor(), cancellationToken, caller.Models());
        return problem?.ToResult() ?? TypedResults.NoContent();
    }

    // ?force=true, which a version may need, says nothing more here.
    private static async Task<IResult> DeleteModelAsync(
        string model, ClaimsPrincipal caller, ModelRemoval removal, CancellationToken cancellationToken, bool force = false)
    {
        _ = force;
        var problem = await removal.DeleteModelAsync(model, caller.Actor(), cancellationToken, caller.Models());
        return problem?.ToResult() ?? TypedResults.NoContent();
    }
}
