using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Aspire.Hosting.Testing;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Api;

/// <summary>Answers of every size by HTTP, those that are refused, and what becomes of calls whose subscription breaks.</summary>
public sealed class AnswerSizeTests(Platform platform)
{
    private const string HeaderLength = "Inference-Header-Content-Length";

    // 28.6 MiB of FP32.
    private const int Many = 7_500_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answer_of_28_MiB_arrives_as_binary_and_as_json()
    {
        using var admin = platform.Admin();
        var fill = await UploadAsync(admin, Fill);

        using var binary = await FillAsync(admin, fill, Many, binary: true);
        using var json = await FillAsync(admin, fill, Many, binary: false);

        Assert.Equal(HttpStatusCode.OK, binary.StatusCode);
        var (head, raw) = await ReadAsync(binary);
        Assert.Equal(Many, head.Output("y").GetProperty("shape")[0].GetInt64());
        Assert.Equal(Many * sizeof(float), raw.Length);
        Assert.Equal(-1, raw.AsSpan().IndexOfAnyExcept((byte)0));
        Assert.Equal(HttpStatusCode.OK, json.StatusCode);
        Assert.Equal("application/json", json.Content.Headers.ContentType?.MediaType);
        var answer = await json.JsonAsync();
        Assert.Equal(Many, answer.Output("y").GetProperty("data").EnumerateArray().Count(value => value.GetSingle() == 0));
    }

    [Fact]
    public async Task Request_and_answer_of_30_MiB_come_back_byte_for_byte()
    {
        using var admin = platform.Admin();
        var identity = await UploadAsync(admin, Identity);
        var values = new float[7_864_320];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = i;
        }

        var bytes = MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
        using var response = await SendAsync(admin, identity, bytes, $$"""
            {"inputs":[{"name":"x","shape":[1,{{values.Length}}],"datatype":"FP32","parameters":{"binary_data_size":{{bytes.Length}} } }],
             "parameters":{"binary_data_output":true} }
            """);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var (_, raw) = await ReadAsync(response);
        Assert.True(raw.AsSpan().SequenceEqual(bytes), "the answer is not the request");
    }

    [Theory]
    [InlineData("gzip", false)]
    [InlineData("gzip", true)]
    [InlineData("identity", false)]
    public async Task Streamed_answer_is_the_same_in_every_form(string coding, bool mixed)
    {
        using var admin = platform.Admin();
        var twice = await UploadAsync(admin, Twice);
        float[] values = [.. Enumerable.Range(0, 200_000).Select(i => i / 8f)];
        var bytes = MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
        var outputs = mixed ? "\"outputs\":[{\"name\":\"y\",\"parameters\":{\"binary_data\":true}},{\"name\":\"z\"}]," : "";
        using var request = Request(twice, bytes, $$"""
            { {{outputs}} "inputs":[{"name":"x","shape":[1,{{values.Length}}],"datatype":"FP32","parameters":{"binary_data_size":{{bytes.Length}} } }]}
            """);
        request.Headers.Add("Accept-Encoding", coding);

        using var response = await admin.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(coding == "gzip" ? ["gzip"] : [], response.Content.Headers.ContentEncoding);
        await using var body = coding == "gzip"
            ? new System.IO.Compression.GZipStream(
                await response.Content.ReadAsStreamAsync(Cancellation), System.IO.Compression.CompressionMode.Decompress)
            : await response.Content.ReadAsStreamAsync(Cancellation);
        using var whole = new MemoryStream();
        await body.CopyToAsync(whole, Cancellation);
        var length = mixed ? int.Parse(response.Headers.GetValues(HeaderLength).Single(), CultureInfo.InvariantCulture) : (int)whole.Length;
        using var answer = JsonDocument.Parse(whole.ToArray().AsMemory(0, length));
        Assert.Equal(values, answer.RootElement.Output("z").Data<float>());
        Assert.Equal(mixed ? bytes.Length : 0, whole.Length - length);
        if (mixed)
        {
            Assert.True(whole.ToArray().AsSpan(length).SequenceEqual(bytes), "the raw output is not the request");
        }
    }

    [Fact]
    public async Task Small_calls_beside_large_ones_are_all_answered()
    {
        using var admin = platform.Admin();
        var fill = await UploadAsync(admin, Fill);

        var large = Enumerable.Range(0, 6).Select(async _ =>
        {
            using var response = await FillAsync(admin, fill, Many, binary: true);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return (await ReadAsync(response)).Raw.Length;
        }).ToList();
        var small = Enumerable.Range(0, 290).Select(async i =>
        {
            var (pixels, label) = Digits.HeldOut[i % Digits.HeldOut.Count];
            using var response = await admin.PostAsync(
                "/v2/models/digits/infer", Digits.Request([pixels], extra: "\"parameters\":{\"timeout\":55000000},"), Cancellation);
            return (response.StatusCode,
                Right: response.IsSuccessStatusCode && (await response.JsonAsync()).Output("label").Data<int>()[0] == label);
        }).ToList();

        var answers = await Task.WhenAll(small);
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.OK, a.StatusCode));
        Assert.InRange(answers.Count(a => a.Right), 275, 290);
        Assert.All(await Task.WhenAll(large), bytes => Assert.Equal(Many * sizeof(float), bytes));
    }

    [Fact]
    public async Task Answer_over_the_limit_is_413_and_names_it()
    {
        using var admin = platform.Admin();
        var fill = await UploadAsync(admin, Fill);

        using var call = await FillAsync(admin, fill, 20_000_000, binary: true);
        using var job = await admin.SendAsync(Asynchronous(Request(fill, [], FillBody(20_000_000))), Cancellation);

        const string Words = "the outputs have 80000000 bytes; 67108864 are allowed (Limits:ResponseBytes)";
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, Words), (call.StatusCode, await call.ErrorAsync()));
        Assert.Equal(HttpStatusCode.Accepted, job.StatusCode);
        var id = (await job.JsonAsync()).GetProperty("id").GetGuid();
        Assert.Equal("failed", (await admin.EndedAsync(id)).GetProperty("state").GetString());
        using var result = await admin.GetAsync($"/v1/jobs/{id}/result", Cancellation);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, result.StatusCode);
        Assert.Equal(Words, (await result.JsonAsync()).GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Job_whose_answer_is_large_has_it_whole()
    {
        using var admin = platform.Admin();
        var fill = await UploadAsync(admin, Fill);

        using var job = await admin.SendAsync(Asynchronous(Request(fill, [], FillBody(Many))), Cancellation);
        var id = (await job.JsonAsync()).GetProperty("id").GetGuid();

        Assert.Equal("succeeded", (await admin.EndedAsync(id)).GetProperty("state").GetString());
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{id}/result");
        request.Headers.Add("Accept", "application/octet-stream");
        using var result = await admin.SendAsync(request, Cancellation);
        Assert.Equal(Many * sizeof(float), (await ReadAsync(result)).Raw.Length);
    }

    [Fact]
    public async Task Input_that_asks_for_impossible_memory_is_400_and_harms_no_worker()
    {
        using var admin = platform.Admin();
        var fill = await UploadAsync(admin, Fill);

        for (var i = 0; i < 6; i++)
        {
            using var refused = await FillAsync(admin, fill, 1_000_000_000_000, binary: true);

            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Equal(
                "the model needs more memory for this input than there is: 4000000000000 bytes at once", await refused.ErrorAsync());
        }

        using var worker = platform.Anonymous("worker");
        using var health = await worker.GetAsync("/health", Cancellation);
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        using var next = await FillAsync(admin, fill, 3, binary: true);
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
    }

    [Fact]
    public async Task Calls_that_wait_when_the_subscription_breaks_are_asked_again_and_answered()
    {
        using var queue = await ModelQueue.OpenAsync(platform);
        await queue.RegisterAsync();
        using var admin = platform.Admin();
        const int Calls = 20;

        // A replica that was not asked for a while answers once by what it knew.
        await Wait.UntilAsync(async () =>
        {
            var known = await Task.WhenAll(Enumerable.Range(0, Calls).Select(async _ =>
            {
                using var fresh = platform.Admin();
                using var response = await fresh.GetAsync($"/v2/models/{queue.Model}", Cancellation);
                return response.IsSuccessStatusCode;
            }));
            return Array.TrueForAll(known, k => k);
        });
        var waiting = Enumerable.Range(0, Calls).Select(_ => admin.PostAsync(
            $"/v2/models/{queue.Model}/infer", Digits.Request([Digits.HeldOut[0].Pixels], extra: "\"parameters\":{\"timeout\":55000000},"),
            Cancellation)).ToList();
        var first = await TakeAsync(queue, waiting, []);

        await KillSubscriptionsAsync();

        // Nobody ever answers the first copies.
        var second = await TakeAsync(queue, waiting, first);
        Assert.Equal(first.Select(r => r.Request.Deadline).Order(), second.Select(r => r.Request.Deadline).Order());
        var replies = new Replies();
        second.ForEach(r => replies.Refuse(r.Request, ReplyOutcome.Failed, "the second copy", r.Request.EnqueuedAt, "test"));
        await queue.Worker.CompleteAsync(second, replies);

        foreach (var call in waiting)
        {
            using var response = await call;
            Assert.Equal((HttpStatusCode.BadRequest, "the second copy"), (response.StatusCode, await response.ErrorAsync()));
        }
    }

    // One request of each call, and none of those before.
    private static async Task<List<QueuedRequest>> TakeAsync(
        ModelQueue queue, List<Task<HttpResponseMessage>> waiting, List<QueuedRequest> before)
    {
        var known = before.Select(r => r.Request.Id).ToHashSet();
        var taken = new List<QueuedRequest>();
        var wait = Wait.For("the calls' requests in the queue");
        while (taken.Count < waiting.Count)
        {
            taken.AddRange((await queue.Worker.ReadAsync(waiting.Count)).Where(r => known.Add(r.Request.Id)));
            if (waiting.Find(call => call.IsCompleted) is { } ended)
            {
                using var response = await ended;
                Assert.Fail(
                    $"With {taken.Count} taken, a call ended: {response.StatusCode} {await response.Content.ReadAsStringAsync(Cancellation)}");
            }

            await wait.PauseAsync();
        }

        return taken;
    }

    private async Task KillSubscriptionsAsync()
    {
        var options = ConfigurationOptions.Parse((await platform.App.GetConnectionStringAsync("redis", Cancellation))!);
        options.AllowAdmin = true;
        await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
        Assert.True((int)await redis.GetDatabase().ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub") > 0);
    }

    private static byte[] Fill => new OnnxModel()
        .Input("shape", OnnxModel.Int64, 1).Output("y", OnnxModel.Float, -1).Node("ConstantOfShape", ["shape"], ["y"]).ToBytes();

    private static byte[] Identity => new OnnxModel()
        .Input("x", OnnxModel.Float, -1, -1).Output("y", OnnxModel.Float, -1, -1).Node("Identity", ["x"], ["y"]).ToBytes();

    private static byte[] Twice => new OnnxModel()
        .Input("x", OnnxModel.Float, -1, -1).Output("y", OnnxModel.Float, -1, -1).Output("z", OnnxModel.Float, -1, -1)
        .Node("Identity", ["x"], ["y"]).Node("Identity", ["x"], ["z"]).ToBytes();

    private static async Task<string> UploadAsync(HttpClient admin, byte[] model)
    {
        var name = $"m{Guid.NewGuid():N}";
        using var file = new ByteArrayContent(model);
        using var uploaded = await admin.PostAsync($"/v1/models/{name}/versions", file, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        await Wait.UntilAsync(async () =>
        {
            using var response = await admin.GetAsync($"/v1/models/{name}/versions/1", Cancellation);
            return (await response.JsonAsync()).GetProperty("state").GetString() == "ready";
        });

        await admin.KnownAsync(name);
        return name;
    }

    private static string FillBody(long elements, string parameters = "\"binary_data_output\":true") => $$"""
        {"inputs":[{"name":"shape","shape":[1],"datatype":"INT64","data":[{{elements}}]}],"parameters":{ {{parameters}} } }
        """;

    private static Task<HttpResponseMessage> FillAsync(HttpClient client, string model, long elements, bool binary) =>
        SendAsync(
            client, model, [],
            FillBody(elements, $"\"timeout\":55000000,\"binary_data_output\":{(binary ? "true" : "false")}"));

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, string model, byte[] raw, string json)
    {
        using var request = Request(model, raw, json);
        return await client.SendAsync(request, Cancellation);
    }

    private static HttpRequestMessage Request(string model, byte[] raw, string json)
    {
        var head = Encoding.UTF8.GetBytes(json);
        var request = new HttpRequestMessage(HttpMethod.Post, $"/v2/models/{model}/infer")
        {
            Content = new ByteArrayContent([.. head, .. raw]),
        };
        if (raw.Length > 0)
        {
            request.Content.Headers.Add(HeaderLength, head.Length.ToString(CultureInfo.InvariantCulture));
        }

        return request;
    }

    private static HttpRequestMessage Asynchronous(HttpRequestMessage request)
    {
        request.Headers.Add("Prefer", "respond-async");
        return request;
    }

    private static async Task<(JsonElement Json, byte[] Raw)> ReadAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsByteArrayAsync(Cancellation);
        var length = int.Parse(response.Headers.GetValues(HeaderLength).Single(), CultureInfo.InvariantCulture);
        using var json = JsonDocument.Parse(body.AsMemory(0, length));
        return (json.RootElement.Clone(), body[length..]);
    }
}
