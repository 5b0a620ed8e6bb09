using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using InferenceTemplate.Bench.Load;

namespace InferenceTemplate.Bench.Parts;

/// <summary>What a tenant's limits cost where none is met, and what the response cache saves.</summary>
internal static class LimitsPart
{
    private const int Callers = 64;
    private const long Ample = 1_000_000;

    public static async Task RunAsync(Stage stage)
    {
        var product = await stage.ProductAsync();
        using var admin = product.Client();
        var model = stage.Models.Tiny;
        var limited = product.Json(model, "limited", await KeyOfLimitedAsync(admin));
        await WarmUp.RunAsync(stage.Options, limited, Callers);
        stage.Report.Section($"a tenant with a rate, a concurrency and monthly limits, none of them met, c = {Callers}");
        await AddAsync(stage, "limits", product.Json(model, "unlimited"), limited);
        stage.Report.AddRatio("limits.ratio", "limits.limited", "limits.unlimited");

        stage.Report.Section($"the response cache: the same inputs again and again, c = {Callers}");
        await AddAsync(stage, "cache", product.Json(model, "off"));
        var settings = $"/v1/models/{model.Name}/settings";
        var before = await SettingsAsync(admin, model.Name);
        var cached = before.DeepClone();
        cached["cache"] = new JsonObject { ["time_to_live"] = "00:10:00", ["max_bytes"] = 64 << 20 };
        await PutAsync(admin, settings, cached);
        await AddAsync(stage, "cache", product.Json(model, "on"));
        await PutAsync(admin, settings, before);
        stage.Report.AddRatio("cache.gain", "cache.on", "cache.off");
    }

    private static async Task AddAsync(Stage stage, string name, params Target[] targets)
    {
        foreach (var measured in await Comparison.RunAsync(stage.Options, Callers, targets))
        {
            stage.Report.Add($"{name}.{measured.Name}", measured.PerSecond, "req/s");
            stage.Report.Add($"{name}.{measured.Name}.p99", measured.Percentile(0.99), "ms");
            if (measured.Failed > 0)
            {
                stage.Report.Add($"{name}.{measured.Name}.failed", measured.Failed, "requests");
            }
        }
    }

    private static async Task<string> KeyOfLimitedAsync(HttpClient admin)
    {
        using var tenant = await admin.PostAsJsonAsync("/v1/tenants", new
        {
            id = "bench-limited",
            requests_per_minute = Ample,
            max_concurrency = Ample,
            monthly_inferences = Ample * Ample,
            monthly_budget = Ample,
        });
        tenant.EnsureSuccessStatusCode();
        using var key = await admin.PostAsJsonAsync("/v1/keys", new { name = "bench", role = "user", tenant = "bench-limited" });
        key.EnsureSuccessStatusCode();
        using var body = JsonDocument.Parse(await key.Content.ReadAsStringAsync());
        return body.RootElement.GetProperty("key").GetString()!;
    }

    private static async Task<JsonNode> SettingsAsync(HttpClient admin, string model) =>
        JsonNode.Parse(await admin.GetStringAsync($"/v1/models/{model}"))!["settings"]!;

    private static async Task PutAsync(HttpClient admin, string path, JsonNode settings)
    {
        using var answer = await admin.PutAsJsonAsync(path, settings);
        answer.EnsureSuccessStatusCode();

        // Replicas read them within a second.
        await Task.Delay(TimeSpan.FromSeconds(2));
    }
}
