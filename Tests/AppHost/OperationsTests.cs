using System.Net;
using System.Text.Json;
using Aspire.Hosting.Testing;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>Commands of the resource <c>operations</c>, with what they do to the platform.</summary>
public sealed class OperationsTests(SharedPlatform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Infer_answers_the_sample()
    {
        var result = await platform.CommandAsync("operations", "infer");

        Assert.True(result.Success, result.Message);
        using var answer = JsonDocument.Parse(result.Data!.Value);
        Assert.Equal("digits", answer.RootElement.GetProperty("model_name").GetString());
        Assert.NotEqual(0, answer.RootElement.GetProperty("outputs").GetArrayLength());
    }

    [Fact]
    public async Task Made_key_opens_the_api()
    {
        var result = await platform.CommandAsync("operations", "make-key", ("name", "from a command"), ("role", "user"));

        Assert.True(result.Success, result.Message);
        using var answer = JsonDocument.Parse(result.Data!.Value);
        using var client = platform.WithKey(answer.RootElement.GetProperty("key").GetString()!);
        using var response = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Promoted_version_answers_until_it_is_rolled_back()
    {
        using var client = platform.Admin();
        var before = await AnsweringAsync(client);
        var other = before == "1" ? "2" : "1";

        var promoted = await platform.CommandAsync("operations", "promote", ("model", "digits"), ("version", other));
        Assert.True(promoted.Success, promoted.Message);
        await AnswersAsync(client, other);

        var rolledBack = await platform.CommandAsync("operations", "roll-back", ("model", "digits"));
        Assert.True(rolledBack.Success, rolledBack.Message);
        await AnswersAsync(client, before);
    }

    [Fact]
    public async Task Refusal_of_the_api_fails_the_command()
    {
        var result = await platform.CommandAsync("operations", "promote", ("model", "no-such-model"), ("version", "1"));

        Assert.False(result.Success);
        Assert.Contains("no-such-model", $"{result.Message} {result.Data?.Value}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_without_its_arguments_is_not_sent()
    {
        var result = await platform.CommandAsync("operations", "promote");

        Assert.False(result.Success);
        Assert.Contains("argument validation failed", result.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dead_letters_go_back_into_the_queue_or_for_good()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(
            (await platform.App.GetConnectionStringAsync("redis", Cancellation))!);
        using var client = platform.Admin();
        await DeadLetterAsync(redis);
        Assert.Equal(1, await CountAsync(client));

        var requeued = await platform.CommandAsync("operations", "requeue-dead-letters", ("model", "digits"), ("version", "1"));
        Assert.True(requeued.Success, requeued.Message);
        Assert.Contains("1", requeued.Data!.Value, StringComparison.Ordinal);
        Assert.Equal(0, await CountAsync(client));

        await DeadLetterAsync(redis);
        var purged = await platform.CommandAsync("operations", "purge-dead-letters", ("model", "digits"), ("version", "1"));
        Assert.True(purged.Success, purged.Message);
        Assert.Contains("1", purged.Data!.Value, StringComparison.Ordinal);
        Assert.Equal(0, await CountAsync(client));
    }

    /// <summary>What the queue writes of a request that was given up.</summary>
    private static async Task DeadLetterAsync(ConnectionMultiplexer redis)
    {
        var now = TimeProvider.System.GetUtcNow();
        var request = new InferenceRequest(
            Guid.CreateVersion7(), "digits", "1", "default", RequestKind.Call, Priority.Normal, "", now, now.AddMinutes(5), null, null, [],
            [new Tensor("image", Datatype.Uint8, [3], new byte[] { 1, 2, 3 })]);
        await redis.GetDatabase().StreamAddAsync(
            "inference:{digits/1}:dead",
            [
                new("request", RequestCodec.Encode(request).ToArray()), new("reason", "for a test"), new("deliveries", 3),
                new("time", now.ToUnixTimeMilliseconds()),
            ]);
    }

    private static async Task<int> CountAsync(HttpClient client)
    {
        using var page = JsonDocument.Parse(await client.GetStringAsync("/v1/queues/digits/1/dead-letters", Cancellation));
        return page.RootElement.GetProperty("dead_letters").GetArrayLength();
    }

    /// <summary>The version that answers a request which names none.</summary>
    private static async Task<string> AnsweringAsync(HttpClient client)
    {
        using var response = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        return await VersionAsync(response);
    }

    private static async Task<string> VersionAsync(HttpResponseMessage response)
    {
        using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        return answer.RootElement.GetProperty("model_version").GetString()!;
    }

    /// <summary>Replicas read the catalog once a second: the version has to come from both.</summary>
    private static Task AnswersAsync(HttpClient client, string version) => client.OnEachReplicaAsync(
        () => new HttpRequestMessage(HttpMethod.Post, "/v2/models/digits/infer") { Content = Digits.Request([Digits.HeldOut[0].Pixels]) },
        async response => await VersionAsync(response) == version);
}
