using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary><c>GET /v1/settings</c>: what is in effect.</summary>
public sealed class SettingsTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Administrator_sees_settings_with_their_sources_and_the_builds_that_run_and_no_secret()
    {
        using var admin = platform.Admin();
        using var response = await admin.GetAsync("/v1/settings", Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        var settings = await response.JsonAsync();

        var services = settings.GetProperty("services").EnumerateArray().ToList();
        Assert.Equal(["api", "worker"], services.Select(s => s.GetProperty("service").GetString()!).Distinct());

        // Those that other tests say are there have no build.
        var running = services.Where(s => s.GetProperty("build").GetString() is not null).ToList();
        Assert.Equal(["api", "worker"], running.Select(s => s.GetProperty("service").GetString()!).Distinct());
        Assert.Single(running.Select(s => s.GetProperty("build").GetString()).Distinct());
        Assert.StartsWith("1.", running[^1].GetProperty("onnx_runtime").GetString(), StringComparison.Ordinal);
        Assert.EndsWith("ExecutionProvider", running[^1].GetProperty("execution_provider").GetString(), StringComparison.Ordinal);

        var byKey = settings.GetProperty("groups").EnumerateArray().SelectMany(g => g.GetProperty("settings").EnumerateArray())
            .ToDictionary(s => s.GetProperty("key").GetString()!, StringComparer.Ordinal);
        Assert.Equal(
            ("given", "environment", "Direct__Secret"),
            (Text(byKey["Direct:Secret"], "value"), Text(byKey["Direct:Secret"], "source"), Text(byKey["Direct:Secret"], "variable")));
        Assert.Equal(
            ("33554432", "default", "bytes"),
            (Text(byKey["Limits:MaxBodyBytes"], "value"), Text(byKey["Limits:MaxBodyBytes"], "source"),
                Text(byKey["Limits:MaxBodyBytes"], "unit")));
        Assert.Equal(
            ("0.05", "build", null, "Core/Objectives/Thresholds.cs"),
            (Text(byKey["ErrorRate"], "value"), Text(byKey["ErrorRate"], "source"), Text(byKey["ErrorRate"], "variable"),
                Text(byKey["ErrorRate"], "file")));
        Assert.All(
            [Platform.AdminKey["admin_".Length..], Platform.Pepper, Platform.DirectSecret, Platform.ScalingToken],
            secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Models_whose_payloads_are_kept_are_told()
    {
        using var admin = platform.Admin();
        var model = await UploadedModel.WithVersionsAsync(admin, 1);
        using var set = await admin.PutAsync(
            $"/v1/models/{model}/settings",
            Digits.Json("""{"payload":{"mode":"sampled","sample":0.25,"redact":["y"],"retention_days":3}}"""), Cancellation);
        Assert.Equal(HttpStatusCode.OK, set.StatusCode);

        JsonElement kept = default;
        await Wait.UntilAsync(async () =>
        {
            using var response = await admin.GetAsync("/v1/settings", Cancellation);
            kept = (await response.JsonAsync()).GetProperty("payloads").EnumerateArray()
                .FirstOrDefault(p => p.GetProperty("model").GetString() == model);
            return kept.ValueKind == JsonValueKind.Object;
        });

        Assert.Equal(
            $$"""{"model":"{{model}}","mode":"sampled","sample":0.25,"retention_days":3,"redacted":1}""", kept.GetRawText());
        await admin.DeleteAsync($"/v1/models/{model}?force=true", Cancellation);
    }

    private static string? Text(JsonElement setting, string name) => setting.GetProperty(name).GetString();
}
