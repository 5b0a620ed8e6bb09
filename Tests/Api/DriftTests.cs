using System.Globalization;
using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary><c>/v1/models/{m}/drift</c>: from what callers send to what an operator is told.</summary>
public sealed class DriftTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Planted_shift_is_found_and_a_new_baseline_ends_it()
    {
        using var admin = platform.Admin();
        var model = await UploadedModel.WithVersionsAsync(admin, 1);
        await SetAsync(admin, model, """{"drift":{"enabled":true}}""");
        using var early = await FixAsync(admin, model, "{}");
        Assert.Equal(HttpStatusCode.Conflict, early.StatusCode);
        Assert.Equal(
            $"0 requests of {model}/1 were looked at within a day; a baseline needs 300.",
            (await early.JsonAsync()).GetProperty("detail").GetString());
        Assert.Equal("no_baseline", (await ReadAsync(admin, model)).GetProperty("state").GetString());

        await SendUntilAsync(admin, model, middle: 0, async () =>
        {
            using var attempt = await FixAsync(admin, model, """{"version":"1"}""");
            return attempt.StatusCode == HttpStatusCode.OK;
        });
        Assert.Equal("steady", (await ReadAsync(admin, model)).GetProperty("state").GetString());

        await SendUntilAsync(
            admin, model, middle: 3, async () => (await ReadAsync(admin, model)).GetProperty("state").GetString() == "drifted");
        var drifted = await ReadAsync(admin, model);
        Assert.Equal(
            [("x", "input", "numbers", "drifted"), ("y", "output", "class", "steady"), ("y", "output", "numbers", "drifted")],
            drifted.GetProperty("tensors").EnumerateArray().Select(t => (
                t.GetProperty("name").GetString()!, t.GetProperty("direction").GetString()!, t.GetProperty("kind").GetString()!,
                t.GetProperty("state").GetString()!)));

        using var history = await admin.GetAsync($"/v1/models/{model}/events", Cancellation);
        Assert.Contains(
            (await history.JsonAsync()).GetProperty("events").EnumerateArray(), e => e.GetProperty("kind").GetString() == "baseline_fixed");
        await admin.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task Unknown_models_versions_and_fields_are_told()
    {
        using var admin = platform.Admin();

        using var noModel = await admin.GetAsync("/v1/models/none/drift", Cancellation);
        using var noVersion = await FixAsync(admin, "digits", """{"version":"99"}""");
        using var noField = await FixAsync(admin, "digits", """{"versoin":"1"}""");

        Assert.Equal(
            [HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.BadRequest],
            [noModel.StatusCode, noVersion.StatusCode, noField.StatusCode]);
    }

    // Each replica looks at 1,000 requests, then at 20 a second: as many are sent as it takes, whichever replica they go to.
    private static async Task SendUntilAsync(HttpClient admin, string model, double middle, Func<Task<bool>> isReached)
    {
        var random = new Random(1);
        for (var wait = Wait.For(nameof(isReached)); !await isReached(); await wait.PauseAsync())
        {
            var bodies = Enumerable.Range(0, 100)
                .Select(_ => string.Join(
                    ',', Enumerable.Range(0, 4).Select(_ => (middle + random.NextDouble()).ToString(CultureInfo.InvariantCulture))))
                .Select(values => $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[{{values}}]}]}""").ToList();
            await Parallel.ForEachAsync(bodies, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (body, token) =>
            {
                using var answer = await admin.PostAsync($"/v2/models/{model}/infer", Digits.Json(body), token);
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            });
        }
    }

    private static Task<HttpResponseMessage> FixAsync(HttpClient admin, string model, string body) =>
        admin.PostAsync($"/v1/models/{model}/drift/baseline", Digits.Json(body), Cancellation);

    private static async Task<JsonElement> ReadAsync(HttpClient admin, string model)
    {
        using var answer = await admin.GetAsync($"/v1/models/{model}/drift", Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return Assert.Single((await answer.JsonAsync()).GetProperty("versions").EnumerateArray());
    }

    private static async Task SetAsync(HttpClient admin, string model, string settings)
    {
        using var set = await admin.PutAsync($"/v1/models/{model}/settings", Digits.Json(settings), Cancellation);
        Assert.Equal(HttpStatusCode.OK, set.StatusCode);
    }
}
