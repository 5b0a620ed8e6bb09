using System.Globalization;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data.Catalog;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Api.Models;

/// <summary>
/// <c>PUT /v1/models/{m}/settings</c>: all settings at once, those left out being the defaults. <c>If-Match</c> with the
/// model's <c>ETag</c> keeps two people from undoing each other's work.
/// </summary>
internal static class UpdateSettings
{
    public static void MapSettings(this IEndpointRouteBuilder models) => models.MapPut("/{model}/settings", PutAsync)
        .WithSummary("Replace all settings of a model")
        .WithDescription("What is left out is the default. If-Match with the ETag of what was read refuses to undo another's change.")
        .WithBody<ModelSettings>("""{"batching":{"max_size":16},"instances":2,"refuse_nan":true}""")
        .Produces<ModelSettings>()
        .ProducesProblem(StatusCodes.Status412PreconditionFailed);

    private static async Task<IResult> PutAsync(
        string model, HttpContext context, ModelRegistry registry, CancellationToken cancellationToken)
    {
        var (settings, unreadable) = await context.Request.ReadAsync(ModelsJson.Default.ModelSettings, cancellationToken);
        if (settings is null)
        {
            return unreadable!;
        }

        if (SettingsRules.Validate(model, settings) is { Count: > 0 } wrong)
        {
            return ModelProblems.Invalid(wrong);
        }

        var problem = await registry.ChangeAsync(
            model, change => ApplyAsync(change, context, settings, cancellationToken), cancellationToken);
        if (problem is not null)
        {
            return problem.ToResult();
        }

        context.Response.Headers.ETag = SettingsTag.Of(settings);
        return TypedResults.Json(settings, ModelsJson.Default.ModelSettings);
    }

    private static async Task<RegistryProblem?> ApplyAsync(
        ModelChange change, HttpContext context, ModelSettings settings, CancellationToken cancellationToken)
    {
        if (!SettingsTag.Matches(context.Request, change.Model.Settings))
        {
            return new RegistryProblem(
                RegistryProblemKind.Outdated, null,
                "Somebody has changed the settings since you read them: read them again, and repeat your change.");
        }

        // The same rules as /traffic has, and the same decision.
        var (traffic, ready) = (change.Model.Settings.Traffic, await change.ReadyAsync(cancellationToken));
        if (settings.Traffic with { Since = traffic.Since } != traffic)
        {
            var wrong = TrafficPolicyBody.From(settings.Traffic).Problems(
                ready, version => $"there is no version '{version}' that is ready");
            if (wrong.Count > 0)
            {
                return RegistryProblem.Invalid($"traffic.{wrong.First().Key}", wrong.First().Value[0]);
            }

            traffic = change.Decide(settings.Traffic == new TrafficPolicy() ? null : settings.Traffic, ready, context.User.Actor());
        }

        settings.Traffic = traffic;
        RecordPayload(change, context.User.Actor(), settings.Payload);
        await RecordForcedAsync(change, context.User.Actor(), settings, cancellationToken);
        change.Model.Settings = settings;
        change.Record(ModelEventKinds.SettingsChanged, context.User.Actor(),
            details: System.Text.Json.JsonSerializer.Serialize(settings, ModelsJson.Default.ModelSettings));
        return null;
    }

    // What callers send is kept from then on, or no more: by whose decision must be found without comparing settings.
    private static void RecordPayload(ModelChange change, string actor, PayloadSettings after)
    {
        var (before, now) = (PolicyOf(change.Model.Settings.Payload), PolicyOf(after));
        if (before != now)
        {
            change.Record(ModelEventKinds.PayloadChanged, actor, details: $"{now}; before: {before}");
        }

        static string PolicyOf(PayloadSettings payload) => payload.Mode == PayloadMode.Off
            ? "off"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{payload.Mode.ToString().ToLowerInvariant()}, share {(payload.Mode == PayloadMode.Full ? 1 : payload.Sample)}, "
                + $"{payload.RetentionDays} days, without {(payload.Redact.Length == 0 ? "none" : string.Join(", ", payload.Redact))}");
    }

    // Callers may see each other's values from then on: the history keeps who chose that, and for what.
    private static async Task RecordForcedAsync(
        ModelChange change, string actor, ModelSettings settings, CancellationToken cancellationToken)
    {
        var (before, after) = (change.Model.Settings.Batching, settings.Batching);
        if (after.Mode == BatchingMode.On && before.Mode != BatchingMode.On)
        {
            change.Record(
                ModelEventKinds.BatchingForced, actor, details: "warning: versions to come share runs too, whatever their proof says");
        }

        var versions = await change.Database.ModelVersions.AsNoTracking()
            .Where(v => v.Model == change.Model.Name && v.DeletedAt == null).OrderBy(v => v.Version).ToListAsync(cancellationToken);
        foreach (var version in versions.Where(
            v => after.ModeOf(v.Version) == BatchingMode.On && before.ModeOf(v.Version) != BatchingMode.On))
        {
            var warning = version.BatchProof is { Independent: true }
                ? "its rows were proven independent"
                : "warning: callers may see each other's values, since its rows were not proven independent: "
                    + (version.BatchProof?.Reason ?? "that has not been tried");
            change.Record(ModelEventKinds.BatchingForced, actor, version.Version, warning);
        }
    }
}
