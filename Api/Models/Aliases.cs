using System.Security.Claims;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Models;

internal sealed record AliasTarget(string Version);

/// <summary><c>PUT</c> and <c>DELETE /v1/models/{m}/aliases/{alias}</c>.</summary>
internal static class Aliases
{
    public static void MapAliases(this IEndpointRouteBuilder models)
    {
        models.MapPut("/{model}/aliases/{alias}", PutAsync)
            .WithSummary("Point an alias at a version")
            .WithBody<AliasTarget>("""{"version":"2"}""")
            .Produces<AliasTarget>();
        models.MapDelete("/{model}/aliases/{alias}", DeleteAsync)
            .WithSummary("Remove an alias")
            .Produces(StatusCodes.Status204NoContent);
    }

    private static async Task<IResult> PutAsync(
        string model, string alias, HttpRequest request, ClaimsPrincipal caller, ModelRegistry registry,
        CancellationToken cancellationToken)
    {
        if (!ModelNames.IsAlias(alias))
        {
            return ModelProblems.Invalid("alias", $"must be {ModelNames.AliasRule}, so that it can't be taken for a version");
        }

        var (target, unreadable) = await request.ReadAsync(ModelsJson.Default.AliasTarget, cancellationToken);
        if (target is null)
        {
            return unreadable!;
        }

        var problem = await registry.ChangeAsync(
            model,
            async change =>
            {
                var version = await change.Database.ModelVersions.FindAsync([model, target.Version ?? ""], cancellationToken);
                if (version is not { DeletedAt: null, State: VersionState.Ready })
                {
                    return RegistryProblem.Invalid("version", $"there is no version '{target.Version}' that is ready");
                }

                var row = await change.Database.ModelAliases.FindAsync([model, alias], cancellationToken);
                if (row is null)
                {
                    row = new ModelAlias { Model = model, Alias = alias, Version = version.Version };
                    change.Database.ModelAliases.Add(row);
                }

                (row.Version, row.UpdatedAt) = (version.Version, change.Now);
                change.Record(ModelEventKinds.AliasMoved, caller.Actor(), version.Version, alias);
                return null;
            },
            cancellationToken);
        return problem?.ToResult() ?? TypedResults.Json(target, ModelsJson.Default.AliasTarget);
    }

    private static async Task<IResult> DeleteAsync(
        string model, string alias, ClaimsPrincipal caller, ModelRegistry registry, CancellationToken cancellationToken)
    {
        var problem = await registry.ChangeAsync(
            model,
            async change =>
            {
                if (await change.Database.ModelAliases.FindAsync([model, alias], cancellationToken) is not { } row)
                {
                    return RegistryProblem.NotFound($"There is no alias '{alias}' of a model '{model}'.");
                }

                change.Database.ModelAliases.Remove(row);
                change.Record(ModelEventKinds.AliasRemoved, caller.Actor(), row.Version, alias);
                return null;
            },
            cancellationToken);
        return problem?.ToResult() ?? TypedResults.NoContent();
    }
}
