using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Serialization;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Settings;

/// <summary>What <c>GET /v1/settings</c> answers.</summary>
/// <param name="Services">The processes that run, with their builds.</param>
/// <param name="Groups">The settings of the replica that answers.</param>
/// <param name="Payloads">The models whose settings have payloads kept; those of all others are not.</param>
internal sealed record SettingsView(RunningService[] Services, SettingGroup[] Groups, PayloadPolicy[] Payloads);

/// <param name="Service"><c>api</c> or <c>worker</c>.</param>
/// <param name="Build">Its version, and after a plus sign the commit that it was made of; null for one of an older build.</param>
/// <param name="OnnxRuntime">Of a worker: the version of ONNX Runtime.</param>
/// <param name="Gpus">Their names.</param>
internal sealed record RunningService(
    string Service, string Id, string Host, DateTimeOffset Started, string? Build, string? OnnxRuntime, string? ExecutionProvider,
    string? Device, string[] Gpus);

/// <param name="Services">Which read them, and need the same values.</param>
internal sealed record SettingGroup(string Name, string[] Services, SettingView[] Settings);

/// <param name="Key">As <c>docs/configuration.md</c> has it.</param>
/// <param name="Value">As it would be written in the configuration.</param>
/// <param name="Unit"><c>bytes</c>, <c>days</c>, <c>seconds</c>, <c>share</c>, or <c>time</c> for <c>[days.]hh:mm:ss</c>.</param>
/// <param name="Source"><c>default</c>, <c>environment</c>, <c>command_line</c>, <c>build</c>, a file's name, or <c>other</c>.</param>
/// <param name="Variable">The environment variable that sets it; null for what is part of the build.</param>
/// <param name="File">The source file that says it, for what is part of the build; else null.</param>
internal sealed record SettingView(
    string Key, string What, string Value, string Default, string? Unit, string Source, string? Variable, string? File);

/// <param name="Mode"><c>sampled</c> or <c>full</c>.</param>
/// <param name="Sample">The share of requests; null for all.</param>
/// <param name="Redacted">How many tensors are left out.</param>
internal sealed record PayloadPolicy(string Model, string Mode, double? Sample, int RetentionDays, int Redacted);

/// <summary><c>GET /v1/settings</c>: what is in effect, for who is on call. They are set where services are started.</summary>
internal static class SettingsEndpoint
{
    public static void AddEffectiveSettings(this IServiceCollection services) => services.AddSingleton<EffectiveSettings>();

    public static void MapEffectiveSettings(this IEndpointRouteBuilder endpoints) => endpoints.MapGet("/v1/settings", GetAsync)
        .WithSummary("The settings in effect, where each comes from, and the builds that run; never a secret")
        .Produces<SettingsView>()
        .RequireAuthorization(Policies.Administer);

    private static async Task<JsonHttpResult<SettingsView>> GetAsync(
        EffectiveSettings settings, FleetRegistry fleet, ModelCatalog catalog, ClaimsPrincipal caller, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        var apis = (await fleet.ApisAsync()).OrderBy(api => api.Started).Select(api =>
            new RunningService("api", api.Id, api.Host, api.Started, api.Build, null, null, null, []));
        var workers = (await fleet.WorkersAsync()).OrderBy(worker => worker.Started).Select(worker => new RunningService(
            "worker", worker.Id, worker.Host, worker.Started, worker.Build, worker.OnnxRuntime, worker.ExecutionProvider, worker.Device,
            [.. worker.Gpus.Select(gpu => gpu.Name)]));
        var payloads = snapshot.Versions.Select(version => version.Model).Distinct(StringComparer.Ordinal)
            .Where(caller.MayUse).Order(StringComparer.Ordinal)
            .Select(model => (Model: model, snapshot.SettingsOf(model).Payload)).Where(kept => kept.Payload.Mode != PayloadMode.Off)
            .Select(kept => new PayloadPolicy(
                kept.Model, JsonNamingPolicy.SnakeCaseLower.ConvertName(kept.Payload.Mode.ToString()),
                kept.Payload.Mode == PayloadMode.Sampled ? kept.Payload.Sample : null, kept.Payload.RetentionDays,
                kept.Payload.Redact.Length));
        return TypedResults.Json(
            new SettingsView([.. apis, .. workers], [.. settings.Groups()], [.. payloads]), SettingsJson.Default.SettingsView);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SettingsView))]
internal sealed partial class SettingsJson : JsonSerializerContext;
