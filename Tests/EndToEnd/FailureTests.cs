using System.Net;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A platform with room for two requests a model.</summary>
public sealed class NarrowPlatform : Platform
{
    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        foreach (var service in builder.Resources.OfType<ProjectResource>().Where(p => p.Name is "api" or "worker").ToList())
        {
            // A worker that goes on trying to load a model keeps its requests in the queue.
            builder.CreateResourceBuilder(service).WithEnvironment("Queue__MaxDepth", "2").WithEnvironment("Worker__LoadFailures", "100")
                .WithEnvironment("Generation__MaxTokens", "32000");
        }
    }
}

public sealed class FailureTests(NarrowPlatform platform) : IClassFixture<NarrowPlatform>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Request_is_answered_504_in_time_when_no_worker_serves_its_model_and_503_when_its_queue_is_full()
    {
        await RegisterModelThatNobodyServesAsync("ghost");
        using var client = platform.Admin();

        // Long enough that each is in the queue before it is answered.
        var calls = await Task.WhenAll(InferAsync(client, "ghost"), InferAsync(client, "ghost"));
        using var first = calls[0];
        using var second = calls[1];
        using var third = await InferAsync(client, "ghost");

        Assert.Equal(HttpStatusCode.GatewayTimeout, first.StatusCode);
        Assert.Contains("no worker answered within 5 s", await ErrorAsync(first), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.GatewayTimeout, second.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, third.StatusCode);
        Assert.Contains("the queue of 'ghost' is full (2 requests)", await ErrorAsync(third), StringComparison.Ordinal);
        Assert.NotNull(third.Headers.RetryAfter);

        // The other model's queue is its own.
        using var other = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
    }

    [Fact]
    public async Task Worker_serves_on_when_redis_has_lost_all_its_data()
    {
        using var client = platform.Admin();
        await OnRedisAsync("FLUSHALL");

        using var response = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Stream_of_a_worker_that_is_killed_ends_with_an_error_and_never_looks_whole()
    {
        Assert.SkipUnless(Directory.Exists("/proc/self"), "Needs Linux's /proc to find the process that it kills.");
        using var client = platform.Admin();
        await UploadDecoderAsync(client, "tiny");

        // In parts, once the replica knows that the worker has it open; then with more to come than there is time for.
        await Wait.UntilAsync(async () =>
        {
            using var whole = await StreamAsync(client, "tiny", 1000);
            return (await whole.Content.ReadAsStringAsync(Cancellation)).Split("data: ").Length > 5;
        });
        using var response = await StreamAsync(client, "tiny", 32_000);
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        using var reader = new StreamReader(body);
        string? first;
        do
        {
            // A stream that waits may begin with comments.
            first = await reader.ReadLineAsync(Cancellation);
        }
        while (first?.Length == 0 || first?[0] == ':');

        await Faults.KillAsync(platform, "Worker");
        var rest = await reader.ReadToEndAsync(Cancellation);

        Assert.StartsWith("data: {", first, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", rest, StringComparison.Ordinal);
        Assert.DoesNotContain("\"finish_reason\":\"", rest, StringComparison.Ordinal);
        var error = JsonDocument.Parse(rest.Split("data: ")[^1]).RootElement.GetProperty("error");
        Assert.Equal("server_error", error.GetProperty("type").GetString());
        Assert.Contains("the answer broke off", error.GetProperty("message").GetString(), StringComparison.Ordinal);

        // The AppHost starts it again, and it answers.
        await Wait.UntilAsync(async () =>
        {
            using var again = await StreamAsync(client, "tiny", 10);
            return (await again.Content.ReadAsStringAsync(Cancellation)).Contains("[DONE]", StringComparison.Ordinal);
        });
    }

    private static Task<HttpResponseMessage> StreamAsync(HttpClient client, string model, int tokens) => client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = Digits.Json($$"""
                {"model":"{{model}}","messages":[{"role":"user","content":"Hello"}],"max_tokens":{{tokens}},"temperature":0,"stream":true}
                """),
        },
        HttpCompletionOption.ResponseHeadersRead, Cancellation);

    private static async Task UploadDecoderAsync(HttpClient client, string model)
    {
        using var form = new MultipartFormDataContent();
        foreach (var (name, content) in TinyDecoder.Files(ends: false))
        {
            form.Add(new ByteArrayContent(content), "file", name);
        }

        using var uploaded = await client.PostAsync($"/v1/models/{model}/versions", form, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        await Wait.UntilAsync(async () =>
        {
            using var version = await client.GetAsync($"/v1/models/{model}/versions/1", Cancellation);
            using var json = JsonDocument.Parse(await version.Content.ReadAsStringAsync(Cancellation));
            return json.RootElement.GetProperty("state").GetString() == "ready";
        });
    }

    private async Task RegisterModelThatNobodyServesAsync(string model)
    {
        await using var database = await platform.DatabaseAsync();
        await using var command = database.CreateCommand($"""
            CREATE TEMP TABLE model_copy AS SELECT * FROM models WHERE name = 'digits';
            UPDATE model_copy SET name = '{model}';
            INSERT INTO models SELECT * FROM model_copy;
            CREATE TEMP TABLE version_copy AS SELECT * FROM model_versions WHERE model = 'digits' AND version = '1';
            UPDATE version_copy SET model = '{model}', sha256 = '{new string('0', 64)}';
            INSERT INTO model_versions SELECT * FROM version_copy;
            """);
        await command.ExecuteNonQueryAsync(Cancellation);

        using var client = platform.Admin();
        await client.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"/v2/models/{model}"), shown => Task.FromResult(shown.IsSuccessStatusCode));
    }

    private static Task<HttpResponseMessage> InferAsync(HttpClient client, string model) => client.PostAsync(
        $"/v2/models/{model}/infer",
        Digits.Request([Digits.HeldOut[0].Pixels], extra: "\"parameters\":{\"timeout\":5000000},"),
        Cancellation);

    private static async Task<string> ErrorAsync(HttpResponseMessage response)
    {
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        return body.RootElement.GetProperty("error").GetString()!;
    }

    private async Task OnRedisAsync(string command)
    {
        var options = ConfigurationOptions.Parse((await platform.App.GetConnectionStringAsync("redis", Cancellation))!);
        options.AllowAdmin = true;
        using var redis = await ConnectionMultiplexer.ConnectAsync(options);
        await redis.GetDatabase().ExecuteAsync(command);
    }
}
