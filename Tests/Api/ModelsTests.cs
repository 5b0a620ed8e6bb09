using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Grpc.Core;
using InferenceTemplate.Tests.Api.Conformance;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>The life of models, by the API and a real worker.</summary>
public sealed class ModelsTests(Platform platform)
{
    private const string Request = """{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Model_lives_from_upload_to_deletion()
    {
        using var client = platform.Admin();
        var model = NewName();

        // Uploaded, inspected, served.
        using var uploaded = await UploadAsync(client, model, OnnxFile.Add(10));
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        Assert.Equal($"/v1/models/{model}/versions/1", uploaded.Headers.Location!.ToString());
        Assert.Equal("pending", (await uploaded.JsonAsync()).GetProperty("state").GetString());
        var first = await InspectedAsync(client, model, "1");
        Assert.Equal("ready", first.GetProperty("state").GetString());
        Assert.Equal("First admin key", first.GetProperty("created_by").GetString());
        Assert.Equal("x", first.GetProperty("inputs")[0].GetProperty("name").GetString());
        Assert.Equal(17, first.GetProperty("metadata").GetProperty("opsets").GetProperty("ai.onnx").GetInt32());
        Assert.True(first.GetProperty("memory_bytes").GetInt64() > 0);
        Assert.Equal(11, await InferAsync(client, $"{model}"));

        // The highest serves until one is promoted, and is in use though nobody named it; promoting remembers, rolling back returns.
        using var second = await UploadAsync(client, model, OnnxFile.Add(20));
        await InspectedAsync(client, model, "2");
        await Wait.UntilAsync(async () => await InferAsync(client, model) == 21);
        await ExpectAsync(HttpStatusCode.Conflict, client.DeleteAsync($"/v1/models/{model}/versions/2", Cancellation));
        await ExpectAsync(
            HttpStatusCode.OK, client.PostAsync($"/v1/models/{model}/promote", Digits.Json("""{"version":"1"}"""), Cancellation));
        await Wait.UntilAsync(async () => await InferAsync(client, model) == 11);
        await ExpectAsync(HttpStatusCode.OK, client.PostAsync($"/v1/models/{model}/rollback", null, Cancellation));
        await Wait.UntilAsync(async () => await InferAsync(client, model) == 21);

        // An alias stands where a version may.
        await ExpectAsync(
            HttpStatusCode.OK, client.PutAsync($"/v1/models/{model}/aliases/old", Digits.Json("""{"version":"1"}"""), Cancellation));
        await Wait.UntilAsync(async () => await InferAsync(client, $"{model}/versions/old") == 11);

        // What is used is deleted by force only.
        await ExpectAsync(HttpStatusCode.Conflict, client.DeleteAsync($"/v1/models/{model}/versions/2", Cancellation));
        await ExpectAsync(HttpStatusCode.Conflict, client.DeleteAsync($"/v1/models/{model}/versions/1", Cancellation));
        await ExpectAsync(HttpStatusCode.NoContent, client.DeleteAsync($"/v1/models/{model}/aliases/old", Cancellation));
        await ExpectAsync(HttpStatusCode.NoContent, client.DeleteAsync($"/v1/models/{model}/versions/1", Cancellation));
        await ExpectAsync(HttpStatusCode.NotFound, client.GetAsync($"/v1/models/{model}/versions/1", Cancellation));
        await ExpectAsync(HttpStatusCode.NoContent, client.DeleteAsync($"/v1/models/{model}", Cancellation));
        await ExpectAsync(HttpStatusCode.NotFound, client.GetAsync($"/v1/models/{model}", Cancellation));

        // The history outlives it.
        using var history = await client.GetAsync($"/v1/models/{model}/events", Cancellation);
        Assert.Equal(
            ["uploaded", "ready", "uploaded", "ready", "promoted", "rolled_back", "alias_moved", "alias_removed", "deleted", "deleted"],
            (await history.JsonAsync()).GetProperty("events").EnumerateArray().Select(e => e.GetProperty("kind").GetString()).Reverse());
    }

    [Fact]
    public async Task Hostile_upload_is_rejected_with_its_reason_and_others_are_served_on()
    {
        using var client = platform.Admin();
        var model = NewName();

        using var uploaded = await UploadAsync(client, model, OnnxFile.Unary("Identity", "evil.ops"));
        var version = await InspectedAsync(client, model, "1");

        Assert.Equal("rejected", version.GetProperty("state").GetString());
        Assert.Contains("'evil.ops.Identity'", version.GetProperty("reason").GetString(), StringComparison.Ordinal);
        await Wait.UntilAsync(async () =>
        {
            using var metadata = await client.GetAsync($"/v2/models/{model}/versions/1", Cancellation);
            Assert.Equal(HttpStatusCode.NotFound, metadata.StatusCode);
            return (await metadata.ErrorAsync()).Contains("rejected", StringComparison.Ordinal);
        });
        using var digit = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        Assert.Equal(HttpStatusCode.OK, digit.StatusCode);
        using var promoted = await client.PostAsync($"/v1/models/{model}/promote", Digits.Json("""{"version":"1"}"""), Cancellation);
        Assert.Equal(HttpStatusCode.Conflict, promoted.StatusCode);

        // Nothing of it can ever be loaded, and who waits for it would wait for nothing.
        using var loaded = await client.PostAsync($"/v2/repository/models/{model}/load", null, Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, loaded.StatusCode);
        var failure = await loaded.ErrorAsync();
        Assert.StartsWith(
            $"failed to load '{model}', no version is available: version '1' of '{model}' was rejected: ", failure,
            StringComparison.Ordinal);
        using var grpc = new GrpcCalls(platform);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await grpc.Client.RepositoryModelLoadAsync(
            new() { ModelName = model }, grpc.Headers, cancellationToken: Cancellation));
        Assert.Equal((StatusCode.InvalidArgument, failure), (refused.StatusCode, refused.Status.Detail));
        await ExpectAsync(HttpStatusCode.OK, client.PostAsync($"/v2/repository/models/{model}/unload", null, Cancellation));
    }

    [Fact]
    public async Task Upload_checks_what_the_caller_says_of_it()
    {
        using var client = platform.Admin();
        var (model, content) = (NewName(), OnnxFile.Add(1));
        var digest = Convert.ToBase64String(SHA256.HashData(content));

        using var right = await UploadAsync(
            client, model, content, headers => headers.Add("Content-Digest", $"sha-256=:{digest}:"), "?version=5");
        using var taken = await UploadAsync(client, model, content, query: "?version=5");
        using var wrong = await UploadAsync(client, model, content, headers => headers.Add("X-Content-SHA256", new string('0', 64)));
        using var garbled = await UploadAsync(client, model, content, headers => headers.Add("Content-Digest", "sha-256=nonsense"));
        using var empty = await UploadAsync(client, model, []);
        using var number = await UploadAsync(client, model, content, query: "?version=five");
        using var name = await UploadAsync(client, "-not-a-name", content);
        using var text = await client.PostAsync($"/v1/models/{model}/versions", Digits.Json("{}"), Cancellation);

        Assert.Equal(HttpStatusCode.Accepted, right.StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, taken.StatusCode);
        Assert.Equal("version", (await taken.JsonAsync()).GetProperty("field").GetString());
        await AssertFieldAsync(wrong, "Content-Digest");
        await AssertFieldAsync(garbled, "Content-Digest");
        await AssertFieldAsync(empty, "body");
        await AssertFieldAsync(number, "version");
        await AssertFieldAsync(name, "model");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, text.StatusCode);
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task Upload_that_claims_to_be_too_large_is_refused_with_the_limit()
    {
        using var client = platform.Admin();
        // A length that is never sent: the answer must come before the body.
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(client.BaseAddress!.Host, client.BaseAddress.Port, Cancellation);
        var head =
            $"POST /v1/models/{NewName()}/versions HTTP/1.1\r\nHost: api\r\nX-API-Key: {Platform.AdminKey}\r\nContent-Length: {3L << 30}\r\n\r\n";
        await socket.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(head), Cancellation);
        using var reader = new StreamReader(socket.GetStream());
        var status = await reader.ReadLineAsync(Cancellation);

        Assert.Contains("413", status, StringComparison.Ordinal);
        Assert.Contains($"{2L << 30} bytes", await reader.ReadToEndAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Artifact_is_downloaded_as_it_was_uploaded()
    {
        using var client = platform.Admin();
        using var answer = await client.GetAsync("/v1/models/digits/versions/1/artifact", Cancellation);
        foreach (var (condition, tag, status) in new[]
        {
            ("If-Match", "\"other\"", HttpStatusCode.PreconditionFailed),
            ("If-Match", answer.Headers.ETag!.ToString(), HttpStatusCode.OK),
            ("If-None-Match", answer.Headers.ETag!.ToString(), HttpStatusCode.NotModified),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models/digits/versions/1/artifact");
            request.Headers.Add(condition, tag);
            using var conditional = await client.SendAsync(request, Cancellation);
            Assert.Equal((condition, status), (condition, conditional.StatusCode));
        }


        var content = await answer.Content.ReadAsByteArrayAsync(Cancellation);

        Assert.Equal($"\"{Convert.ToHexStringLower(SHA256.HashData(content))}\"", answer.Headers.ETag!.Tag);
        Assert.Equal(content.Length, answer.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task Settings_are_replaced_whole_and_by_one_at_a_time()
    {
        using var client = platform.Admin();
        var model = await ReadyAsync(client);
        using var before = await client.GetAsync($"/v1/models/{model}", Cancellation);
        var tag = before.Headers.ETag!;

        using var changed = await PutSettingsAsync(
            client, model, """{"instances":2,"batching":{"max_size":8,"preferred_sizes":[2,4],"ragged":"pad"}}""", tag);
        using var late = await PutSettingsAsync(client, model, """{"instances":3}""", tag);
        using var after = await client.GetAsync($"/v1/models/{model}", Cancellation);

        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.Equal(HttpStatusCode.PreconditionFailed, late.StatusCode);
        var settings = (await after.JsonAsync()).GetProperty("settings");
        Assert.Equal(2, settings.GetProperty("instances").GetInt32());
        Assert.Equal("pad", settings.GetProperty("batching").GetProperty("ragged").GetString());
        Assert.Equal(JsonValueKind.Object, settings.GetProperty("traffic").ValueKind);
        Assert.Equal(changed.Headers.ETag, after.Headers.ETag);
        Assert.NotEqual(tag, after.Headers.ETag);

        // Whatever order Postgres keeps names in.
        using var versions = await PutSettingsAsync(
            client, model, """{"batching":{"versions":{"10":"off","2":"off"}}}""", after.Headers.ETag);
        using var kept = await PutSettingsAsync(client, model, """{"instances":1}""", versions.Headers.ETag);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (versions.StatusCode, kept.StatusCode));
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Theory]
    [InlineData("""{"instances":17}""", "instances")]
    [InlineData("""{"instances":"two"}""", "instances")]
    [InlineData("""{"instnaces":2}""", "instnaces")]
    [InlineData("""{"batching":null}""", "batching")]
    [InlineData("""{"batching":{"max_size":0}}""", "batching.max_size")]
    [InlineData("""{"batching":{"max_delay":"00:00:02"}}""", "batching.max_delay")]
    [InlineData("""{"batching":{"preferred_sizes":[4,2]}}""", "batching.preferred_sizes")]
    [InlineData("""{"cache":{"time_to_live":"00:00:00"}}""", "cache.time_to_live")]
    [InlineData("""{"traffic":{"stable":"99"}}""", "traffic.stable")]
    [InlineData("""{"traffic":{"canary":{"version":"1","weight":1.5}}}""", "traffic.canary.weight")]
    [InlineData("""{"price_per_device_hour":-1}""", "price_per_device_hour")]
    [InlineData("""{"drift":null}""", "drift")]
    [InlineData("""{"drift":{"enabled":true,"sample":0}}""", "drift.sample")]
    [InlineData("""{"drift":{"threshold":11}}""", "drift.threshold")]
    [InlineData("""{"drift":{"ks_threshold":0.01}}""", "drift.ks_threshold")]
    [InlineData(
        """{"traffic":{"rollback":{"max_error_rate":0,"max_latency_ratio":1,"min_sample":1,"window":"00:01:00","max_output_drift":0}}}""",
        "traffic.rollback.max_output_drift")]
    [InlineData("""{"payload":{"mode":"all"}}""", "payload.mode")]
    [InlineData("""{"payload":{"mode":"sampled","sample":2}}""", "payload.sample")]
    [InlineData("""{"payload":{"retention_days":366}}""", "payload.retention_days")]
    [InlineData("""{"payload":{"redact":[""]}}""", "payload.redact")]
    [InlineData("""{"payload":{"redact":["a\u0000"]}}""", "payload.redact")]
    [InlineData("""{"payload":{"redact":null}}""", "payload.redact")]
    [InlineData("[]", "body")]
    [InlineData("nonsense", "body")]
    public async Task Settings_out_of_range_are_refused_by_their_field(string settings, string field)
    {
        using var client = platform.Admin();

        using var answer = await PutSettingsAsync(client, "digits", settings);

        await AssertFieldAsync(answer, field);
    }

    [Fact]
    public async Task Labels_are_kept_with_the_version()
    {
        using var client = platform.Admin();
        var model = await ReadyAsync(client);

        await ExpectAsync(HttpStatusCode.OK,
            client.PutAsync($"/v1/models/{model}/versions/1/labels", Digits.Json("""{"team":"vision"}"""), Cancellation));
        using var version = await client.GetAsync($"/v1/models/{model}/versions/1", Cancellation);

        Assert.Equal("vision", (await version.JsonAsync()).GetProperty("labels").GetProperty("team").GetString());
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    [Fact]
    public async Task Repository_lists_loads_and_unloads()
    {
        using var client = platform.Admin();
        var model = await ReadyAsync(client);
        await Wait.UntilAsync(async () => await InferAsync(client, model) == 2);

        await ExpectAsync(HttpStatusCode.OK, client.PostAsync($"/v2/repository/models/{model}/unload", null, Cancellation));
        await Wait.UntilAsync(async () =>
        {
            using var unloaded = await client.PostAsync($"/v2/models/{model}/infer", Digits.Json(Request), Cancellation);
            return unloaded.StatusCode == HttpStatusCode.NotFound
                && (await unloaded.ErrorAsync()).Contains("unloaded", StringComparison.Ordinal);
        });
        Assert.Equal("UNAVAILABLE", await StateAsync(client, model));
        await ExpectAsync(HttpStatusCode.OK, client.PostAsync($"/v2/repository/models/{model}/load", null, Cancellation));
        await Wait.UntilAsync(async () => await StateAsync(client, model) == "READY");
        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    private static string NewName() => $"test-{Guid.NewGuid():N}";

    private static async Task<string> ReadyAsync(HttpClient client)
    {
        var model = NewName();
        using var uploaded = await UploadAsync(client, model, OnnxFile.Add(1));
        Assert.Equal("ready", (await InspectedAsync(client, model, "1")).GetProperty("state").GetString());
        return model;
    }

    private static async Task<HttpResponseMessage> UploadAsync(
        HttpClient client, string model, byte[] content, Action<HttpRequestHeaders>? headers = null, string query = "")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/models/{model}/versions{query}");
        request.Content = new ByteArrayContent(content);
        headers?.Invoke(request.Headers);
        return await client.SendAsync(request, Cancellation);
    }

    private static async Task<JsonElement> InspectedAsync(HttpClient client, string model, string version)
    {
        var wait = Wait.For($"the inspection of {model}/{version}");
        while (true)
        {
            using var response = await client.GetAsync($"/v1/models/{model}/versions/{version}", Cancellation);
            var body = await response.JsonAsync();
            if (body.GetProperty("state").GetString() != "pending")
            {
                return body;
            }

            await wait.PauseAsync();
        }
    }

    // A replica may not have heard yet, and a worker may still be loading.
    private static async Task<float> InferAsync(HttpClient client, string path)
    {
        var wait = Wait.For($"{path} to answer");
        while (true)
        {
            using var response = await client.PostAsync($"/v2/models/{path}/infer", Digits.Json(Request), Cancellation);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                return (await response.JsonAsync()).Output("y").Data<float>()[0];
            }

            await wait.PauseAsync();
        }
    }

    private static async Task<string?> StateAsync(HttpClient client, string model)
    {
        using var index = await client.PostAsync("/v2/repository/index", null, Cancellation);
        return (await index.JsonAsync()).EnumerateArray()
            .Single(e => e.GetProperty("name").GetString() == model).GetProperty("state").GetString();
    }

    private static async Task<HttpResponseMessage> PutSettingsAsync(
        HttpClient client, string model, string settings, EntityTagHeaderValue? tag = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/v1/models/{model}/settings") { Content = Digits.Json(settings) };
        if (tag is not null)
        {
            request.Headers.IfMatch.Add(tag);
        }

        return await client.SendAsync(request, Cancellation);
    }

    private static async Task AssertFieldAsync(HttpResponseMessage response, string field)
    {
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var errors = (await response.JsonAsync()).GetProperty("errors");
        Assert.Contains(field, errors.EnumerateObject().Select(e => e.Name));
    }

    private static async Task ExpectAsync(HttpStatusCode expected, Task<HttpResponseMessage> call)
    {
        using var response = await call;
        Assert.Equal(expected, response.StatusCode);
    }
}
