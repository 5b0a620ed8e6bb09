using System.CommandLine;
using InferenceTemplate.Api.Admin;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Models;

/// <summary><c>admin models list|show|promote|rollback|delete</c>.</summary>
internal static class ModelCommands
{
    private static readonly Option<bool> Json = AdminOutput.Json();
    private static readonly Argument<string> Model = new("model") { Description = "Name of the model." };

    public static Command Create(IServiceProvider services) => new("models", "The model registry.")
    {
        ListVerb(services), ShowVerb(services), PromoteVerb(services), RollBackVerb(services), DeleteVerb(services),
    };

    private static Command ListVerb(IServiceProvider services)
    {
        var command = new Command("list", "Shows all models.") { Json };
        command.SetRun(async (parsed, cancellationToken) =>
        {
            var snapshot = await services.GetRequiredService<ModelCatalog>().RefreshAsync(cancellationToken);
            var models = snapshot.Models.Select(m => ModelSummary.From(snapshot, m)).ToList();
            if (parsed.GetValue(Json))
            {
                AdminOutput.WriteJson(models, ModelsJson.Default.ModelSummary);
                return 0;
            }

            AdminOutput.WriteTable(
                ["MODEL", "STABLE", "RESIDENCY", "VERSIONS", "CHANGED"],
                models.Select(m => (string[])
                    [m.Name, m.Stable ?? "-", m.Residency.ToString().ToLowerInvariant(), string.Join(',', m.Versions),
                        AdminOutput.Time(m.UpdatedAt)]));
            return 0;
        });
        return command;
    }

    private static Command ShowVerb(IServiceProvider services)
    {
        var command = new Command("show", "Shows a model's versions and aliases.") { Model, Json };
        command.SetRun(async (parsed, cancellationToken) =>
        {
            var name = parsed.GetRequiredValue(Model);
            var snapshot = await services.GetRequiredService<ModelCatalog>().RefreshAsync(cancellationToken);
            if (snapshot.ModelOf(name) is not { } model)
            {
                return AdminOutput.Failed($"There is no model '{name}'.");
            }

            var details = ModelDetails.From(snapshot, model);
            if (parsed.GetValue(Json))
            {
                AdminOutput.WriteJson([details], ModelsJson.Default.ModelDetails);
                return 0;
            }

            AdminOutput.WriteTable(
                ["VERSION", "STATE", "ROLE", "ALIASES", "BYTES", "SHA-256", "CREATED", "BY", "REASON"],
                details.Versions.Select(v => (string[])
                [
                    v.Version, v.State.ToString().ToLowerInvariant(), RoleOf(details, v.Version),
                    string.Join(',', details.Aliases.Where(a => a.Value == v.Version).Select(a => a.Key)),
                    $"{v.SizeBytes}", v.Sha256[..12], AdminOutput.Time(v.CreatedAt), v.CreatedBy ?? "-", v.Reason ?? "",
                ]));
            return 0;
        });
        return command;
    }

    private static Command PromoteVerb(IServiceProvider services)
    {
        var version = new Argument<string>("version") { Description = "Number or alias." };
        var command = new Command("promote", "Makes a version answer requests that name none.") { Model, version, Json };
        command.SetRun(async (parsed, cancellationToken) => Told(parsed, await services.GetRequiredService<ModelPromotion>().PromoteAsync(
            parsed.GetRequiredValue(Model), parsed.GetRequiredValue(version), AdminOutput.Actor, cancellationToken)));
        return command;
    }

    private static Command RollBackVerb(IServiceProvider services)
    {
        var command = new Command("rollback", "Goes back to the version that was stable before.") { Model, Json };
        command.SetRun(async (parsed, cancellationToken) => Told(parsed, await services.GetRequiredService<ModelPromotion>().RollBackAsync(
            parsed.GetRequiredValue(Model), AdminOutput.Actor, cancellationToken)));
        return command;
    }

    private static Command DeleteVerb(IServiceProvider services)
    {
        var version = new Option<string>("--version-number") { Description = "Only this version." };
        var force = new Option<bool>("--force") { Description = "Also a version that is used; with a whole model always needed." };
        var command = new Command("delete", "Deletes a model, or one of its versions.") { Model, version, force };
        command.SetRun(async (parsed, cancellationToken) =>
        {
            var removal = services.GetRequiredService<ModelRemoval>();
            var (model, number, forced) = (parsed.GetRequiredValue(Model), parsed.GetValue(version), parsed.GetValue(force));
            if (number is null && !forced)
            {
                return AdminOutput.Failed($"This would delete every version of '{model}': say --force, or name one by --version-number.");
            }

            var problem = number is null
                ? await removal.DeleteModelAsync(model, AdminOutput.Actor, cancellationToken)
                : await removal.DeleteVersionAsync(model, number, forced, AdminOutput.Actor, cancellationToken);
            return problem is null ? 0 : AdminOutput.Failed(problem.Message);
        });
        return command;
    }

    private static string RoleOf(ModelDetails model, string version) =>
        version == model.Stable ? "stable"
        : version == model.Settings.Traffic.Canary?.Version ? "canary"
        : version == model.Settings.Traffic.Shadow?.Version ? "shadow"
        : "";

    private static int Told(ParseResult parsed, (StableVersion? Stable, RegistryProblem? Problem) outcome)
    {
        if (outcome is not { Problem: null, Stable: { } stable })
        {
            return AdminOutput.Failed(outcome.Problem!.Message);
        }

        if (parsed.GetValue(Json))
        {
            AdminOutput.WriteJson([stable], ModelsJson.Default.StableVersion);
        }
        else
        {
            Console.WriteLine($"{stable.Model}: version {stable.Stable} is stable, {stable.Previous ?? "none"} was before.");
        }

        return 0;
    }
}
