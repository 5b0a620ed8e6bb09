using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

[Collection(nameof(TrafficPlatform))]
public sealed class TrafficTests(TrafficPlatform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Policy_is_set_and_cleared_and_the_overview_tells_of_it()
    {
        using var set = await platform.PutAsync("policy", new
        {
            stable = "1",
            canary = new { version = "2", weight = 0.25, sticky = true },
            rollback = new { max_error_rate = 0.05, max_latency_ratio = 2.5, min_sample = 50, window_seconds = 120 },
        });

        Assert.Equal(HttpStatusCode.OK, set.StatusCode);
        var policy = await platform.GetAsync("/v1/models/policy/traffic");
        Assert.Equal("1", policy.GetProperty("stable").GetString());
        var canary = policy.GetProperty("canary");
        Assert.Equal(("2", 0.25, true), (canary.GetProperty("version").GetString(), canary.GetProperty("weight").GetDouble(),
            canary.GetProperty("sticky").GetBoolean()));
        Assert.Equal(120, policy.GetProperty("rollback").GetProperty("window_seconds").GetDouble());
        var status = await platform.GetAsync("/v1/models/policy/traffic/status");
        Assert.Equal(["stable", "canary"], status.GetProperty("versions").EnumerateArray().Select(v => v.GetProperty("role").GetString()));
        Assert.Equal(
            "0 of the 50 requests seen that an evaluation needs", status.GetProperty("evaluation").GetProperty("reason").GetString());

        using var client = platform.Admin();
        using var cleared = await client.DeleteAsync("/v1/models/policy/traffic", Cancellation);

        Assert.Equal(HttpStatusCode.NoContent, cleared.StatusCode);
        Assert.Equal(JsonValueKind.Null, (await platform.GetAsync("/v1/models/policy/traffic")).GetProperty("canary").ValueKind);
        await EventuallyAsync(async () =>
        {
            var told = (await platform.GetAsync("/v1/overview")).GetProperty("traffic_decisions").EnumerateArray()
                .Where(d => d.GetProperty("model").GetString() == "policy")
                .Select(d => $"{d.GetProperty("action").GetString()}: {d.GetProperty("reason").GetString()}");
            return told.SequenceEqual(
                ["cleared: the highest version is stable instead of 1, canary 2 at 25 % ended", "set: stable 1, canary 2 at 25 %"]);
        });
    }

    [Fact]
    public async Task Promotions_and_rollbacks_are_among_the_decisions_with_who_and_why()
    {
        using var client = platform.Admin();
        foreach (var version in new[] { "1", "2" })
        {
            using var promoted = await client.PostAsJsonAsync("/v1/models/decided/promote", new { version }, Cancellation);
            Assert.Equal(HttpStatusCode.OK, promoted.StatusCode);
        }

        using var back = await client.PostAsync("/v1/models/decided/rollback", null, Cancellation);
        Assert.Equal(HttpStatusCode.OK, back.StatusCode);

        var status = await platform.GetAsync("/v1/models/decided/traffic/status");
        var told = status.GetProperty("decisions").EnumerateArray().Select(d =>
            $"{d.GetProperty("action").GetString()} {d.GetProperty("version").GetString()}, {d.GetProperty("reason").GetString()}");
        Assert.Equal(["stable_rolled_back 1, instead of 2", "promoted 2, instead of 1", "promoted 1, instead of 2"], told);
        Assert.All(status.GetProperty("decisions").EnumerateArray(), d => Assert.NotEmpty(d.GetProperty("actor").GetString()!));
        await EventuallyAsync(async () => (await platform.GetAsync("/v1/overview")).GetProperty("traffic_decisions").EnumerateArray()
            .Any(d => d.GetProperty("model").GetString() == "decided" && d.GetProperty("action").GetString() == "stable_rolled_back"));
    }

    [Fact]
    public async Task Rollback_goes_to_what_was_stable_before_however_that_was_changed()
    {
        using var client = platform.Admin();
        using var set = await platform.PutAsync("moved", new { stable = "1", shadow = new { version = "2" } });
        Assert.Equal(HttpStatusCode.OK, set.StatusCode);

        // A shadow that is promoted is none any more, and the policy is one that can be written back.
        using var promoted = await client.PostAsJsonAsync("/v1/models/moved/promote", new { version = "2" }, Cancellation);
        Assert.Equal(("2", "1"), Stable(await promoted.JsonAsync()));
        var policy = await platform.GetAsync("/v1/models/moved/traffic");
        Assert.Equal(JsonValueKind.Null, policy.GetProperty("shadow").ValueKind);
        using var same = await platform.PutAsync("moved", policy);
        Assert.Equal(HttpStatusCode.OK, same.StatusCode);

        using var moved = await platform.PutAsync("moved", new { stable = "1" });
        using var back = await client.PostAsync("/v1/models/moved/rollback", null, Cancellation);
        Assert.Equal(("2", "1"), Stable(await back.JsonAsync()));

        // By the settings too, where the same rules hold.
        using var settings = await client.PutAsync(
            "/v1/models/moved/settings", Digits.Json("""{"traffic":{"stable":"1","canary":{"version":"2","weight":0.5}}}"""), Cancellation);
        Assert.Equal(HttpStatusCode.OK, settings.StatusCode);
        var status = await platform.GetAsync("/v1/models/moved/traffic/status");
        Assert.Equal("set", status.GetProperty("decisions")[0].GetProperty("action").GetString());
        using var again = await client.PostAsync("/v1/models/moved/rollback", null, Cancellation);
        Assert.Equal(("2", "1"), Stable(await again.JsonAsync()));
        Assert.Equal(
            JsonValueKind.Null, (await platform.GetAsync("/v1/models/moved/traffic")).GetProperty("canary").ValueKind);

        static (string?, string?) Stable(JsonElement answer) =>
            (answer.GetProperty("stable").GetString(), answer.GetProperty("previous").GetString());
    }

    [Fact]
    public async Task Policy_in_the_settings_that_can_not_work_is_refused_by_field()
    {
        using var client = platform.Admin();
        foreach (var (model, policy, field) in new[]
        {
            ("policy", """{"stable":"1","canary":{"version":"1","weight":0.5}}""", "traffic.canary.version"),
            ("mixed", """{"stable":"1","canary":{"version":"2","weight":0.5}}""", "traffic.canary.version"),
            ("policy", """{"canary":{"version":"2","weight":0.5}}""", "traffic.stable"),
            ("policy", """{"stable":"1","shadow":{"version":"2","tolerance":-1}}""", "traffic.shadow.tolerance"),
            ("policy", """{"stable":"1","rollback":{"max_error_rate":0.1,"min_sample":1,"window":"00:01:00"}}""", "traffic.rollback"),
        })
        {
            using var refused = await client.PutAsync(
                $"/v1/models/{model}/settings", Digits.Json($"{{\"traffic\":{policy}}}"), Cancellation);
            Assert.Equal((field, HttpStatusCode.BadRequest), (field, refused.StatusCode));
            Assert.Equal(field, Assert.Single((await refused.JsonAsync()).GetProperty("errors").EnumerateObject()).Name);
        }
    }

    [Fact]
    public async Task Policy_that_can_not_work_is_refused_by_field()
    {
        Assert.Equal(["stable"], await ProblemsAsync("policy", new { canary = new { version = "2", weight = 0.1 } }));
        Assert.Equal(["canary.version", "canary.weight"],
            await ProblemsAsync("policy", new { stable = "1", canary = new { version = "9", weight = 1.5 } }));
        Assert.Equal(["canary.version"], await ProblemsAsync("policy", new { stable = "1", canary = new { version = "1", weight = 0.1 } }));
        Assert.Equal(["canary.version"], await ProblemsAsync("mixed", new { stable = "1", canary = new { version = "2", weight = 0.1 } }));
        Assert.Equal(
            ["shadow.sample", "shadow.tolerance", "shadow.version"],
            await ProblemsAsync("policy", new
            {
                stable = "1",
                canary = new { version = "2", weight = 0.1 },
                shadow = new { version = "2", sample = -1, tolerance = -1 }
            }));
        Assert.Equal(
            ["rollback", "rollback.max_error_rate", "rollback.max_latency_ratio", "rollback.min_sample", "rollback.window_seconds"],
            await ProblemsAsync("policy",
                new { stable = "1", rollback = new { max_error_rate = 2, max_latency_ratio = 0.5, min_sample = 0, window_seconds = 1 } }));
        Assert.Equal(
            ["canary.weight"], await ProblemsAsync("policy", new { stable = "1", canary = new { version = "2", weight = "much" } }));
        foreach (var misspelt in (object[])[
            new { stable = "1", canry = new { version = "2", weight = 0.1 } },
            new { stable = "1", canary = new { version = "2", weight = 0.1, stiky = true } },
            new { stable = "1", rollback = new { max_error_rate = 0.1, min_sample = 50, window_seconds = 60, max_latency = 2 } }])
        {
            using var refused = await platform.PutAsync("policy", misspelt);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains("could not be mapped", await refused.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }

        using var gone = await platform.PutAsync("policy", new { stable = "9" });
        Assert.Equal("there is no version '9' of a model 'policy'", await StableProblemAsync(gone));
        using var admin = platform.Admin();
        using var unload = await admin.PostAsync("/v2/repository/models/mixed/unload", null, Cancellation);
        await EventuallyAsync(async () =>
        {
            using var unloaded = await platform.PutAsync("mixed", new { stable = "1" });
            return unloaded.StatusCode == HttpStatusCode.BadRequest
                && await StableProblemAsync(unloaded) == "the model 'mixed' is unloaded";
        });
        using var load = await admin.PostAsync("/v2/repository/models/mixed/load", null, Cancellation);

        using var unknown = await platform.PutAsync("nothing", new { stable = "1" });
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public async Task Role_decides_who_may_see_and_change_a_policy()
    {
        await using var keys = await TestKeys.OpenAsync(platform);
        foreach (var (role, see, change) in new[] { ("user", HttpStatusCode.OK, HttpStatusCode.Forbidden),
            ("service", HttpStatusCode.Forbidden, HttpStatusCode.Forbidden) })
        {
            using var client = platform.WithKey(await keys.CreateAsync(role));
            Assert.Equal(see, (await client.GetAsync("/v1/models/mixed/traffic", Cancellation)).StatusCode);
            Assert.Equal(see, (await client.GetAsync("/v1/models/mixed/traffic/status", Cancellation)).StatusCode);
            Assert.Equal(change, (await client.PutAsJsonAsync("/v1/models/mixed/traffic", new { stable = "1" }, Cancellation)).StatusCode);
            Assert.Equal(change, (await client.DeleteAsync("/v1/models/mixed/traffic", Cancellation)).StatusCode);
        }

        using var nobody = platform.Anonymous();
        Assert.Equal(HttpStatusCode.Unauthorized, (await nobody.GetAsync("/v1/models/mixed/traffic", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Request_goes_by_the_policy_unless_it_names_a_version()
    {
        // The canary is the lower version: the highest answers without any policy, too.
        using var set = await platform.PutAsync("routed", new { stable = "2", canary = new { version = "1", weight = 1 } });
        Assert.Equal(HttpStatusCode.OK, set.StatusCode);
        await EveryAnswerIsOfAsync("routed", "1");

        using var client = platform.Admin();
        using var named = await client.PostAsync("/v2/models/routed/versions/2/infer", TrafficPlatform.Indices(9), Cancellation);

        var answer = await named.JsonAsync();
        var value = answer.Output("value").Data<float>();
        Assert.Equal("2", answer.GetProperty("model_version").GetString());
        Assert.Equal([91f], value);
        using var routed = await platform.InferAsync("routed", 9);
        var canary = (await routed.JsonAsync()).Output("value").Data<float>();
        Assert.Equal([90f], canary);
        await EventuallyAsync(async () =>
        {
            await using var database = await platform.DatabaseAsync();
            await using var command = database.CreateCommand(
                "SELECT string_agg(DISTINCT version || ' ' || role || ' ' || priority, ',') FROM predictions WHERE model = 'routed' AND role <> 'stable'");
            return await command.ExecuteScalarAsync(Cancellation) is "1 canary normal,2 named normal";
        });
    }

    [Fact]
    public async Task Canary_is_taken_back_by_itself_when_its_requests_fail()
    {
        using var set = await platform.PutAsync("canary", new
        {
            stable = "1",
            canary = new { version = "2", weight = 0.5 },
            rollback = new { max_error_rate = 0.2, min_sample = 10, window_seconds = 60 },
        });
        Assert.Equal(HttpStatusCode.OK, set.StatusCode);

        // Neither version can look up an index of 10; only the canary has a rule to fall by.
        await EventuallyAsync(async () =>
        {
            using var failed = await platform.InferAsync("canary", 10);
            Assert.Equal(HttpStatusCode.BadRequest, failed.StatusCode);
            return (await platform.GetAsync("/v1/models/canary/traffic")).GetProperty("canary").ValueKind == JsonValueKind.Null;
        });

        var decision = (await platform.GetAsync("/v1/models/canary/traffic/status")).GetProperty("decisions")[0];
        Assert.Equal(("rolled_back", "automatic", "2"), (decision.GetProperty("action").GetString(),
            decision.GetProperty("actor").GetString(), decision.GetProperty("version").GetString()));
        Assert.Matches("^[0-9]+ of [0-9]+ requests failed, 100 %; at most 20 % may$", decision.GetProperty("reason").GetString());
        await EveryAnswerIsOfAsync("canary", "1");
        await platform.OneReplicaMeasuresAsync(metrics => metrics.Contains("inference_traffic_rollbacks_total{", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Shadow_is_compared_and_answers_nobody()
    {
        // Until a replica has learnt of the first policy, its highest version answers.
        using var stable = await platform.PutAsync("shadow", new { stable = "1" });
        await EveryAnswerIsOfAsync("shadow", "1");
        using var set = await platform.PutAsync("shadow", new { stable = "1", shadow = new { version = "2", tolerance = 0.5 } });
        Assert.Equal(HttpStatusCode.OK, set.StatusCode);

        JsonElement shadow = default;
        await EventuallyAsync(async () =>
        {
            foreach (var index in (long[])[3, 9])
            {
                using var response = await platform.InferAsync("shadow", index);
                var answer = await response.JsonAsync();
                Assert.Equal("1", answer.GetProperty("model_version").GetString());
                Assert.Equal(10f * index, Assert.Single(answer.Output("value").Data<float>()));
            }

            // Which of them are compared is chance where there are more than can be.
            return await ShadowAsync() is { } seen && (shadow = seen).GetProperty("compared").GetInt64() >= 10
                && seen.GetProperty("agreement").GetDouble() is >= 0.3 and <= 0.7;
        });

        Assert.Equal(0, shadow.GetProperty("failed").GetInt64());
        Assert.Equal(1, shadow.GetProperty("max_difference").GetDouble(), 1e-6);
        Assert.True(shadow.GetProperty("mean_compute_ratio").GetDouble() > 0);
        await using var database = await platform.DatabaseAsync();
        await using var command = database.CreateCommand(
            "SELECT count(*) FROM predictions WHERE model = 'shadow' AND version = '2' AND role = 'shadow' AND priority = 'shadow'");
        await EventuallyAsync(async () => await command.ExecuteScalarAsync(Cancellation) is >= 10L);
    }

    [Fact]
    public async Task Metrics_have_tritons_names_and_labels_when_asked_for()
    {
        using var answered = await platform.InferAsync("policy", 1, 2, 3);
        using var failed = await platform.InferAsync("policy", 10);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.BadRequest), (answered.StatusCode, failed.StatusCode));

        foreach (var (service, names) in new[]
        {
            ("api", (string[])["nv_inference_request_success", "nv_inference_request_duration_us", "nv_inference_queue_duration_us",
                "nv_inference_compute_infer_duration_us", "nv_inference_pending_request_count"]),
            ("worker", ["nv_inference_count", "nv_inference_exec_count"]),
        })
        {
            await EventuallyAsync(async () =>
            {
                var metrics = await MetricsAsync(service);
                return names.All(n => metrics.Split('\n').Any(line => line.StartsWith($"{n}{{", StringComparison.Ordinal)
                    && line.Contains("model=\"policy\"", StringComparison.Ordinal)
                        && line.Contains("version=\"", StringComparison.Ordinal)));
            });
        }

        await EventuallyAsync(async () => (await MetricsAsync("api")).Split('\n').Any(line =>
            line.StartsWith("nv_inference_request_failure{", StringComparison.Ordinal)
                && line.Contains("reason=\"BACKEND\"", StringComparison.Ordinal)));
    }

    private async Task<JsonElement?> ShadowAsync()
    {
        var shadow = (await platform.GetAsync("/v1/models/shadow/traffic/status")).GetProperty("shadow");
        return shadow.ValueKind == JsonValueKind.Null ? null : shadow;
    }

    private async Task<string[]> ProblemsAsync(string model, object policy)
    {
        using var response = await platform.PutAsync(model, policy);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        return [.. (await response.JsonAsync()).GetProperty("errors").EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal)];
    }

    private static async Task<string?> StableProblemAsync(HttpResponseMessage response) =>
        (await response.JsonAsync()).GetProperty("errors").GetProperty("stable")[0].GetString();

    // Both replicas, hence many times in a row.
    private Task EveryAnswerIsOfAsync(string model, string version)
    {
        var inARow = 0;
        return EventuallyAsync(async () =>
        {
            using var response = await platform.InferAsync(model, 1);
            inARow = (await response.JsonAsync()).GetProperty("model_version").GetString() == version ? inARow + 1 : 0;
            return inARow == 20;
        });
    }

    private async Task<string> MetricsAsync(string service)
    {
        using var client = platform.Anonymous(service).OnNewConnections();
        return await client.GetStringAsync("/metrics", Cancellation);
    }

    private static Task EventuallyAsync(Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string awaited = "") =>
        Wait.UntilAsync(condition, awaited: awaited);
}
