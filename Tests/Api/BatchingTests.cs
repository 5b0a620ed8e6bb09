using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>Which models may have requests of different callers in one run: proven, said, forced, ended.</summary>
public sealed class BatchingTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // Each caller's share of the largest number of the batch: 1 alone.
    private static byte[] ScaledByBatch => new OnnxModel().Input("x", OnnxModel.Float, -1).Output("y", OnnxModel.Float, -1)
        .Node("ReduceMax", ["x"], ["largest"], ("keepdims", 1)).Node("Div", ["x", "largest"], ["y"]).ToBytes();

    private static byte[] OneMore => new OnnxModel().Input("x", OnnxModel.Float, -1).Output("y", OnnxModel.Float, -1)
        .Constant("one", [1f], 1).Node("Add", ["x", "one"], ["y"]).ToBytes();

    [Fact]
    public async Task Uploaded_model_whose_rows_meet_says_so_and_answers_every_caller_alone()
    {
        using var client = platform.Admin();
        var (model, version) = await UploadAsync(client, ScaledByBatch);
        AssertBatching(version.GetProperty("batching"), false, "another alone than beside others");

        foreach (var callers in (int[])[8, 64])
        {
            var answers = await CallAsync(client, model, callers);

            Assert.All(answers, a => Assert.Equal((1f, 1), (a.Value, a.BatchSize)));
        }

        // Also in the protocol's own words, and where the dashboard looks.
        using var metadata = await client.GetAsync($"/v2/models/{model}", Cancellation);
        var parameters = (await metadata.JsonAsync()).GetProperty("parameters");
        Assert.False(parameters.GetProperty("batching").GetBoolean());
        Assert.Contains("another alone", parameters.GetProperty("batching_reason").GetString(), StringComparison.Ordinal);
        JsonElement listed = default;
        await Wait.UntilAsync(async () =>
        {
            using var overview = await client.GetAsync("/v1/overview", Cancellation);
            listed = (await overview.JsonAsync()).GetProperty("models")
                .EnumerateArray().SingleOrDefault(m => m.GetProperty("name").GetString() == model);
            return listed.ValueKind == JsonValueKind.Object;
        });
        AssertBatching(listed.GetProperty("batching"), false, "another alone than beside others");
        using var configuration = await client.GetAsync($"/v2/models/{model}/config", Cancellation);
        Assert.Equal(0, (await configuration.JsonAsync()).GetProperty("max_batch_size").GetInt32());
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task Model_whose_rows_are_independent_is_batched_and_answers_each_caller_its_own()
    {
        using var client = platform.Admin();
        var (model, version) = await UploadAsync(client, OneMore);
        AssertBatching(version.GetProperty("batching"), true, "proven");
        await SetAsync(client, model, """{"instances":1,"batching":{"max_delay":"00:00:00.2"}}""");

        foreach (var callers in (int[])[8, 64])
        {
            // They meet in a run where they come within its delay, which the worker has heard of a moment later.
            await Wait.UntilAsync(async () =>
            {
                var answers = await CallAsync(client, model, callers);
                Assert.Equal(Enumerable.Range(1, callers).Select(i => i + 1f), answers.Select(a => a.Value));
                return answers.Average(a => a.BatchSize) > 1;
            });
        }

        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task Sample_models_stay_batched()
    {
        using var client = platform.Admin();
        foreach (var model in (string[])["digits", "delivery-time"])
        {
            using var versions = await client.GetAsync($"/v1/models/{model}/versions", Cancellation);

            Assert.All(
                (await versions.JsonAsync()).GetProperty("versions").EnumerateArray(),
                v => AssertBatching(v.GetProperty("batching"), true, "rows were proven independent"));
        }
    }

    [Fact]
    public async Task Setting_turns_it_off_and_forces_it_with_a_warning_that_is_kept()
    {
        using var client = platform.Admin();
        var (model, _) = await UploadAsync(client, ScaledByBatch);

        await SetAsync(client, model, """{"batching":{"mode":"off"}}""");
        await BatchingAsync(client, model, false, "the setting is off");
        await SetAsync(client, model, """{"batching":{"versions":{"1":"on"}}}""");
        await BatchingAsync(client, model, true, "the setting is on, although this was not proven");

        var forced = Assert.Single(await EventsAsync(client, model, "batching_forced"));
        Assert.Equal("1", forced.GetProperty("version").GetString());
        Assert.Contains("callers may see each other's values", forced.GetProperty("details").GetString(), StringComparison.Ordinal);
        await Wait.UntilAsync(async () =>
        {
            using var audit = await client.GetAsync("/v1/audit?action=model.batching_forced&limit=100", Cancellation);
            return (await audit.Content.ReadAsStringAsync(Cancellation)).Contains($"{model}/1", StringComparison.Ordinal);
        });
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task Batch_that_comes_out_wrong_ends_batching_for_good_and_its_callers_are_answered_right()
    {
        using var client = platform.Admin();
        var (model, version) = await UploadAsync(client, OnnxModel.Total);
        AssertBatching(version.GetProperty("batching"), false, "has the shape [1] for");
        await SetAsync(client, model, """{"instances":1,"batching":{"mode":"on","max_delay":"00:00:00.2"}}""");
        await Wait.UntilAsync(async () => (await BatchingAsync(client, model)).GetProperty("batched").GetBoolean());

        // Until the worker has heard of the setting, each runs alone, and right as well.
        await Wait.UntilAsync(async () =>
        {
            var answers = await CallAsync(client, model, 16);
            Assert.Equal(Enumerable.Range(1, 16).Select(i => (float)i), answers.Select(a => a.Value));
            return (await EventsAsync(client, model, "batching_ended")).Length == 1;
        });

        await BatchingAsync(client, model, false, "has the shape [1] for");
        await SetAsync(client, model, """{"batching":{"mode":"on","versions":{"1":"on"}}}""");
        AssertBatching(await BatchingAsync(client, model), false, "has the shape [1] for");
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    private static void AssertBatching(JsonElement batching, bool batched, string reason)
    {
        Assert.Equal(batched, batching.GetProperty("batched").GetBoolean());
        Assert.Contains(reason, batching.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    // As many callers at once, of which each sends a number of its own, from 1.
    private static async Task<(float Value, int BatchSize)[]> CallAsync(HttpClient client, string model, int callers) =>
        await Task.WhenAll(Enumerable.Range(1, callers).Select(async number =>
        {
            var body = Digits.Json($$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[{{number}}]}]}""");
            using var response = await client.PostAsync($"/v2/models/{model}/infer", body, Cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            var answer = await response.JsonAsync();
            return (answer.Output("y").Data<float>()[0], answer.GetProperty("parameters").GetProperty("batch_size").GetInt32());
        }));

    private static async Task<(string Model, JsonElement Version)> UploadAsync(HttpClient client, byte[] content)
    {
        var model = $"m{Guid.NewGuid():N}";
        using var file = new ByteArrayContent(content);
        using var uploaded = await client.PostAsync($"/v1/models/{model}/versions", file, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        AssertBatching((await uploaded.JsonAsync()).GetProperty("batching"), false, "not been inspected");
        JsonElement version = default;
        await Wait.UntilAsync(async () => (version = await VersionAsync(client, model)).GetProperty("state").GetString() != "pending");
        Assert.Equal("ready", version.GetProperty("state").GetString());

        await client.KnownAsync(model);
        return (model, version);
    }

    private static async Task<JsonElement> VersionAsync(HttpClient client, string model)
    {
        using var response = await client.GetAsync($"/v1/models/{model}/versions/1", Cancellation);
        return await response.JsonAsync();
    }

    private static async Task<JsonElement> BatchingAsync(HttpClient client, string model) =>
        (await VersionAsync(client, model)).GetProperty("batching");

    private static Task BatchingAsync(HttpClient client, string model, bool batched, string reason) => Wait.UntilAsync(
        async () =>
        {
            var batching = await BatchingAsync(client, model);
            return batching.GetProperty("batched").GetBoolean() == batched
                && batching.GetProperty("reason").GetString()!.Contains(reason, StringComparison.Ordinal);
        },
        awaited: reason);

    private static async Task SetAsync(HttpClient client, string model, string settings)
    {
        using var response = await client.PutAsync($"/v1/models/{model}/settings", Digits.Json(settings), Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private static async Task<JsonElement[]> EventsAsync(HttpClient client, string model, string kind)
    {
        using var response = await client.GetAsync($"/v1/models/{model}/events", Cancellation);
        return [.. (await response.JsonAsync()).GetProperty("events")
            .EnumerateArray().Where(e => e.GetProperty("kind").GetString() == kind)];
    }
}
