using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api.Conformance;

/// <summary>Counts reach the statistics within a second, so each test waits for those of all that it has sent.</summary>
[Collection(nameof(ProtocolModels))]
public sealed class StatisticsRules(ProtocolModels models)
{
    private const string Times = "success,fail,queue,compute_input,compute_infer,compute_output,cache_hit,cache_miss";

    [Fact]
    public async Task Statistics_count_requests_rows_and_runs_over_all_replicas_and_workers()
    {
        var model = await NewAsync();

        // Both replicas take their turns.
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => InferAsync(model, rows: 1 + (i % 2))));
        await RefuseAsync(model);

        var stats = await UntilAsync(model, s => Count(s, "success") == 20 && Count(s, "compute_infer") == 20 && Count(s, "fail") == 1);
        Assert.Equal(model, stats.GetProperty("name").GetString());
        Assert.Equal("1", stats.GetProperty("version").GetString());
        Assert.Equal(30, stats.GetProperty("inference_count").GetInt64());
        Assert.InRange(stats.GetProperty("execution_count").GetInt64(), 1, 20);
        Assert.InRange(
            DateTimeOffset.FromUnixTimeMilliseconds(stats.GetProperty("last_inference").GetInt64()),
            TimeProvider.System.GetUtcNow().AddHours(-1), TimeProvider.System.GetUtcNow().AddMinutes(1));
        Assert.Equal(Times.Split(','), stats.GetProperty("inference_stats").EnumerateObject().Select(p => p.Name));
        Assert.Equal(20, Count(stats, "queue"));
        Assert.Equal(20, Count(stats, "compute_input"));
        Assert.Equal(20, Count(stats, "compute_output"));
        Assert.Equal(0, Count(stats, "cache_hit") + Count(stats, "cache_miss"));
        Assert.True(Ns(stats, "success") >= Ns(stats, "queue"));
        Assert.All((string[])["success", "fail", "queue", "compute_input", "compute_infer", "compute_output"],
            t => Assert.True(Ns(stats, t) > 0, t));
    }

    [Fact]
    public async Task Batch_statistics_add_up_to_the_runs_and_rows()
    {
        var model = await NewAsync();
        await InferAsync(model, rows: 3);
        await InferAsync(model, rows: 3);
        await InferAsync(model, rows: 5);

        var stats = await UntilAsync(model, s => s.GetProperty("execution_count").GetInt64() == 3);

        var batches = stats.GetProperty("batch_stats").EnumerateArray().ToList();
        Assert.Equal([3, 5], batches.Select(b => b.GetProperty("batch_size").GetInt32()));
        Assert.All((string[])["compute_input", "compute_infer", "compute_output"], t =>
        {
            Assert.Equal([2L, 1L], batches.Select(b => b.GetProperty(t).GetProperty("count").GetInt64()));
            Assert.Equal(Ns(stats, t), batches.Sum(b => b.GetProperty(t).GetProperty("ns").GetInt64()));
        });
        Assert.Equal(11, stats.GetProperty("inference_count").GetInt64());
    }

    [Fact]
    public async Task Cached_answers_count_as_hits_and_as_successes()
    {
        var model = await NewAsync();
        using var settings = await models.Client.PutAsync(
            $"/v1/models/{model}/settings", Digits.Json("""{"cache":{"time_to_live":"00:10:00"}}"""), ProtocolModels.Cancellation);
        Assert.Equal(HttpStatusCode.OK, settings.StatusCode);
        await models.KnownAsync($"/v2/models/{model}/config", c => c.GetProperty("response_cache").GetProperty("enable").GetBoolean());

        // The first is looked for in vain; whether the second is found depends on how soon the first was kept.
        var (hits, calls) = (0, 0);
        var wait = Wait.For("three hits");
        while (hits < 3)
        {
            hits += await InferAsync(model, rows: 1) == "hit" ? 1 : 0;
            calls++;
            await wait.PauseAsync();
        }

        var stats = await UntilAsync(model, s => Count(s, "success") == calls);
        Assert.Equal(3, Count(stats, "cache_hit"));
        Assert.Equal(calls - 3, Count(stats, "cache_miss"));
        Assert.Equal(calls - 3, Count(stats, "queue"));
    }

    [Fact]
    public async Task Jobs_count_as_requests_do()
    {
        var model = await NewAsync();
        using var accepted = await models.InferAsync(model, Request(2), ("Prefer", "respond-async"));
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);

        var stats = await UntilAsync(model, s => Count(s, "success") == 1 && s.GetProperty("execution_count").GetInt64() == 1);

        Assert.Equal(2, stats.GetProperty("inference_count").GetInt64());
        Assert.Equal(1, Count(stats, "queue"));
    }

    [Fact]
    public async Task Statistics_of_a_model_are_of_all_its_versions_unless_one_is_named()
    {
        var model = await NewAsync();
        await models.UploadAsync(model, OnnxFile.Add(1));

        Assert.Equal(["1", "2"], await VersionsAsync($"/v2/models/{model}/stats"));
        Assert.Equal(["1"], await VersionsAsync($"/v2/models/{model}/versions/1/stats"));
        Assert.Equal(["2"], await VersionsAsync($"/v2/models/{model}/versions/2/stats"));

        async Task<IEnumerable<string?>> VersionsAsync(string path) =>
            (await models.GetAsync(path)).GetProperty("model_stats").EnumerateArray().Select(s => s.GetProperty("version").GetString());
    }

    [Fact]
    public async Task Statistics_of_all_models_have_each_version()
    {
        var all = (await models.GetAsync("/v2/models/stats")).GetProperty("model_stats").EnumerateArray().ToList();

        Assert.Contains(all, s => s.GetProperty("name").GetString() == models.Pair && s.GetProperty("version").GetString() == "1");
        Assert.Contains(all, s => s.GetProperty("name").GetString() == "digits");
    }

    private static string Request(int rows) =>
        $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[{{rows}}],"data":[{{string.Join(',', Enumerable.Repeat("1", rows))}}]}]}""";

    private static long Count(JsonElement stats, string time) =>
        stats.GetProperty("inference_stats").GetProperty(time).GetProperty("count").GetInt64();

    private static long Ns(JsonElement stats, string time) =>
        stats.GetProperty("inference_stats").GetProperty(time).GetProperty("ns").GetInt64();

    private async Task<string> NewAsync()
    {
        var model = $"counted-{Guid.NewGuid():N}";
        await models.UploadAsync(model, ProtocolModels.Identity(OnnxModel.Float));
        return model;
    }

    private async Task<string?> InferAsync(string model, int rows)
    {
        using var response = await models.InferAsync(model, Request(rows));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response.Headers.TryGetValues("Inference-Cache", out var cache) ? Assert.Single(cache) : null;
    }

    // Fits the model, but its time is over before anybody can run it.
    private async Task RefuseAsync(string model)
    {
        using var response = await models.InferAsync(
            model, Request(1).Replace("{\"inputs", "{\"parameters\":{\"timeout\":1},\"inputs", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
    }

    private async Task<JsonElement> UntilAsync(string model, Func<JsonElement, bool> counted)
    {
        var wait = Wait.For($"the statistics of {model}");
        while (true)
        {
            var stats = Assert.Single((await models.GetAsync($"/v2/models/{model}/stats")).GetProperty("model_stats").EnumerateArray());
            if (counted(stats))
            {
                return stats;
            }

            await wait.PauseAsync();
        }
    }
}
