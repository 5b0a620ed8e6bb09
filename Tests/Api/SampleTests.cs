using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>The sample request of a version: given, read, taken away, and what it is for.</summary>
public sealed class SampleTests(Platform platform)
{
    private const int MaxBytes = 1 << 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> WrongBodies =>
    [
        "",
        "{",
        "{}",
        """{"inputs":[]}""",
        """{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}""",
        """{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3]}]}""",
        """{"inputs":[{"name":"x","datatype":"INT64","shape":[1,4],"data":[1,2,3,4]}]}""",
        """{"inputs":[{"name":"picture","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}""",
        """{"outputs":[{"name":"mood"}],"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}""",
    ];

    // An encoder that refuses words which it does not know: made-up inputs tell nothing of it.
    [Fact]
    public async Task Sample_proves_what_made_up_inputs_could_not_and_is_given_back_as_it_was_sent()
    {
        using var client = platform.Admin();
        var encoder = Path.Combine(Repository.Root, "Tests", "Worker", "Inspection", "Models", "sk-onehot-strict.onnx");
        var model = await ReadyAsync(client, await File.ReadAllBytesAsync(encoder, Cancellation));
        Assert.Equal((false, false), Facts(await VersionAsync(client, model)));
        using (var none = await client.GetAsync(PathOf(model), Cancellation))
        {
            Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
            Assert.Contains("PUT the JSON of an inference request", await none.ProblemAsync(), StringComparison.Ordinal);
        }

        const string Words = """
            {"id": "words", "inputs": [{"name": "cats", "datatype": "BYTES", "shape": [2, 2], "data": ["a", "x", "b", "y"]}]}
            """;
        await PutAsync(client, model, Words);

        await Wait.UntilAsync(async () => Facts(await VersionAsync(client, model)) == (true, true));
        using (var given = await client.GetAsync(PathOf(model), Cancellation))
        {
            Assert.Equal("application/json", given.Content.Headers.ContentType!.MediaType);
            Assert.Equal(Words, await given.Content.ReadAsStringAsync(Cancellation));
        }

        var pair = await ProbabilitiesAsync(client, model, Words);
        var alone = await ProbabilitiesAsync(
            client, model, """{"inputs": [{"name": "cats", "datatype": "BYTES", "shape": [1, 2], "data": ["b", "y"]}]}""");
        Assert.Equal(pair[2], alone[0], 1e-5f);
        Assert.NotEqual(pair[0], pair[2]);

        // One that does not run ends it again, with the reason; without one it is as before.
        await PutAsync(client, model, Words.Replace("\"y\"", "\"unheard-of\"", StringComparison.Ordinal));
        await Wait.UntilAsync(async () => Facts(await VersionAsync(client, model)) == (true, false));
        Assert.Contains("did not run on its sample request", await ReasonAsync(client, model), StringComparison.Ordinal);
        using (var removed = await client.DeleteAsync(PathOf(model), Cancellation))
        {
            Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        }

        await Wait.UntilAsync(async () =>
            (await ReasonAsync(client, model)).Contains("did not run on made-up inputs", StringComparison.Ordinal));
        using var again = await client.DeleteAsync(PathOf(model), Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
        using var events = await client.GetAsync($"/v1/models/{model}/events", Cancellation);
        var kinds = (await events.JsonAsync()).GetProperty("events")
            .EnumerateArray().Select(e => e.GetProperty("kind").GetString()).ToList();
        Assert.Equal((2, 1), (kinds.Count(k => k == "sample_set"), kinds.Count(k => k == "sample_removed")));
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task Sample_that_could_not_be_called_is_refused_in_the_words_of_the_call()
    {
        using var client = platform.Admin();
        var model = await ReadyAsync(client, OnnxFile.Add(1));
        foreach (var body in WrongBodies.Select(row => row.Data))
        {
            using var called = await client.PostAsync($"/v2/models/{model}/versions/1/infer", Digits.Json(body), Cancellation);
            using var put = await client.PutAsync(PathOf(model), Digits.Json(body), Cancellation);

            Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (called.StatusCode, put.StatusCode));
            Assert.Equal(await called.ErrorAsync(), await put.ProblemAsync());
        }

        using var none = await client.GetAsync(PathOf(model), Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task Sample_is_json_of_at_most_a_mebibyte_for_a_version_that_is_there()
    {
        using var client = platform.Admin();
        var model = await ReadyAsync(client, OnnxFile.Add(1));
        const string Request = """{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}""";

        using (var largest = await client.PutAsync(PathOf(model), Digits.Json(Request.PadRight(MaxBytes)), Cancellation))
        using (var larger = await client.PutAsync(PathOf(model), Digits.Json(Request.PadRight(MaxBytes + 1)), Cancellation))
        {
            Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.RequestEntityTooLarge), (largest.StatusCode, larger.StatusCode));
            Assert.Contains($"larger than {MaxBytes} bytes", await larger.ProblemAsync(), StringComparison.Ordinal);
        }

        using (var raw = Digits.Json(Request))
        {
            raw.Headers.Add("Inference-Header-Content-Length", "10");
            using var refused = await client.PutAsync(PathOf(model), raw, Cancellation);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains("is all JSON", await refused.ProblemAsync(), StringComparison.Ordinal);
        }

        foreach (var path in (string[])[$"/v1/models/{model}/versions/9/sample", $"/v1/models/no-{model}/versions/1/sample"])
        {
            using var unknown = await client.PutAsync(path, Digits.Json(Request), Cancellation);
            Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        }

        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task Version_that_was_rejected_takes_no_sample()
    {
        using var client = platform.Admin();
        var model = $"m{Guid.NewGuid():N}";
        using var file = new ByteArrayContent([1, 2, 3]);
        using var uploaded = await client.PostAsync($"/v1/models/{model}/versions", file, Cancellation);
        await Wait.UntilAsync(async () => (await VersionAsync(client, model)).GetProperty("state").GetString() == "rejected");

        using var put = await client.PutAsync(PathOf(model), Digits.Json("{}"), Cancellation);

        Assert.Equal(HttpStatusCode.Conflict, put.StatusCode);
        Assert.Contains("was rejected", await put.ProblemAsync(), StringComparison.Ordinal);
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    private static async Task<float[]> ProbabilitiesAsync(HttpClient client, string model, string request)
    {
        using var response = await client.PostAsync($"/v2/models/{model}/infer", Digits.Json(request), Cancellation);
        return (await response.JsonAsync()).Output("probabilities").Data<float>();
    }

    private static string PathOf(string model) => $"/v1/models/{model}/versions/1/sample";

    private static (bool HasSample, bool Batched) Facts(JsonElement version) =>
        (version.GetProperty("has_sample").GetBoolean(), version.GetProperty("batching").GetProperty("batched").GetBoolean());

    private static async Task<string> ReasonAsync(HttpClient client, string model) =>
        (await VersionAsync(client, model)).GetProperty("batching").GetProperty("reason").GetString()!;

    private static async Task PutAsync(HttpClient client, string model, string body)
    {
        using var put = await client.PutAsync(PathOf(model), Digits.Json(body), Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, put.StatusCode);
    }

    private static async Task<JsonElement> VersionAsync(HttpClient client, string model)
    {
        using var response = await client.GetAsync($"/v1/models/{model}/versions/1", Cancellation);
        return await response.JsonAsync();
    }

    private static async Task<string> ReadyAsync(HttpClient client, byte[] content)
    {
        var model = $"m{Guid.NewGuid():N}";
        using var file = new ByteArrayContent(content);
        using var uploaded = await client.PostAsync($"/v1/models/{model}/versions", file, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        await Wait.UntilAsync(async () => (await VersionAsync(client, model)).GetProperty("state").GetString() == "ready");

        await client.KnownAsync(model);
        return model;
    }
}
