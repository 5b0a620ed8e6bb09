using System.Net;
using System.Text.Json;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A worker that opens no model before it is asked, and gives up soon where one can't be loaded.</summary>
[Collection<TracedPlatform>]
public sealed class ModelCacheTests(TracedPlatform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Model_is_opened_by_its_first_request()
    {
        await CopyDigitsAsync("lazy", artifactExists: true, fallback: null);
        using var client = platform.Admin();
        await Wait.UntilAsync(async () => await StateAsync(client, "lazy") == "cold");
        using var before = await client.GetAsync("/v2/models/lazy/ready", Cancellation);
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        using var response = await InferAsync(client, "lazy");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        // The heartbeat tells of it within a second.
        await Wait.UntilAsync(async () => await StateAsync(client, "lazy") == "ready");
    }

    [Fact]
    public async Task Request_for_a_model_that_can_not_be_loaded_is_refused_with_the_reason_and_a_time()
    {
        await CopyDigitsAsync("lost", artifactExists: false, fallback: null);
        using var client = platform.Admin();

        // The first is queued and refused by the worker; later ones, once that is known, before they are read.
        using var first = await InferAsync(client, "lost");
        using var later = await RetryAsync(client, "lost", r => r.Headers.RetryAfter?.Delta > TimeSpan.FromSeconds(2));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, first.StatusCode);
        Assert.Contains("could not be loaded", await ErrorAsync(first), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, later.StatusCode);
        Assert.Contains("no worker can load lost/1 now", await ErrorAsync(later), StringComparison.Ordinal);
        await Wait.UntilAsync(async () => await StateAsync(client, "lost") == "unavailable");
    }

    [Fact]
    public async Task Fallback_answers_for_a_model_that_can_not_be_loaded_and_says_so()
    {
        await CopyDigitsAsync("substitute", artifactExists: true, fallback: null);
        await CopyDigitsAsync("away", artifactExists: false, fallback: "substitute");
        using var client = platform.Admin();

        // Found out by the worker, and after the heartbeat by the Api itself: the answer is the same.
        for (var i = 0; i < 20; i++)
        {
            using var response = await InferAsync(client, "away");

            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal("substitute/1", Assert.Single(response.Headers.GetValues("Inference-Fallback")));
            using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
            Assert.Equal("substitute", body.RootElement.GetProperty("model_name").GetString());
            Assert.Equal("substitute/1", body.RootElement.GetProperty("parameters").GetProperty("fallback").GetString());
            var labels = body.RootElement.GetProperty("outputs").EnumerateArray().Single(o => o.GetProperty("name").GetString() == "label");
            Assert.Equal(Digits.HeldOut[0].Label, labels.GetProperty("data")[0].GetInt32());
            await Task.Delay(100, Cancellation);
        }
    }

    [Fact]
    public async Task Job_of_a_model_that_can_not_be_loaded_stays_in_the_queue_while_no_load_is_tried()
    {
        await CopyDigitsAsync("absent", artifactExists: false, fallback: null);
        using var client = platform.Admin();
        await using var redis = await ConnectionMultiplexer.ConnectAsync(
            (await platform.App.GetConnectionStringAsync("redis", Cancellation))!);
        var wakes = 0;
        await redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal("inference:wake"), (_, queue) =>
        {
            if (((string?)queue)?.Contains("absent", StringComparison.Ordinal) == true)
            {
                Interlocked.Increment(ref wakes);
            }
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/models/absent/infer")
        {
            Content = Digits.Request([Digits.HeldOut[0].Pixels]),
        };
        request.Headers.Add("Prefer", "respond-async");
        using var accepted = await client.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);

        // Once the worker has given up, each time that it takes the job and hands it back tells all workers of it.
        await Wait.UntilAsync(async () => await StateAsync(client, "absent") == "unavailable");
        var before = Volatile.Read(ref wakes);
        await Task.Delay(TimeSpan.FromSeconds(5), Cancellation);

        Assert.InRange(Volatile.Read(ref wakes) - before, 0, 2);
        using var job = JsonDocument.Parse(await client.GetStringAsync(accepted.Headers.Location, Cancellation));
        Assert.Equal("queued", job.RootElement.GetProperty("state").GetString());

        // A call that comes meanwhile does not wait behind it.
        using var call = await InferAsync(client, "absent");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, call.StatusCode);
    }

    // A model of the same signature as digits, over the same file or over one that no store has.
    private async Task CopyDigitsAsync(string model, bool artifactExists, string? fallback)
    {
        await using var database = await platform.DatabaseAsync();
        var settings = fallback is null ? "{}" : $$$"""{"fallback":{"model":"{{{fallback}}}"}}""";
        var sha256 = artifactExists ? "" : $", sha256 = '{new string('0', 64)}'";
        await using var command = database.CreateCommand($"""
            CREATE TEMP TABLE model_copy AS SELECT * FROM models WHERE name = 'digits';
            UPDATE model_copy SET name = '{model}', settings = '{settings}';
            INSERT INTO models SELECT * FROM model_copy;
            CREATE TEMP TABLE version_copy AS SELECT * FROM model_versions WHERE model = 'digits' AND version = '1';
            UPDATE version_copy SET model = '{model}'{sha256};
            INSERT INTO model_versions SELECT * FROM version_copy;
            """);
        await command.ExecuteNonQueryAsync(Cancellation);

        using var client = platform.Admin();
        await client.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"/v2/models/{model}"), shown => Task.FromResult(shown.IsSuccessStatusCode));
    }

    private static Task<HttpResponseMessage> InferAsync(HttpClient client, string model) =>
        client.PostAsync($"/v2/models/{model}/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);

    private static async Task<HttpResponseMessage> RetryAsync(HttpClient client, string model, Func<HttpResponseMessage, bool> enough)
    {
        var wait = Wait.For($"an answer of {model} that will do");
        while (true)
        {
            var response = await InferAsync(client, model);
            if (enough(response))
            {
                return response;
            }

            response.Dispose();
            await wait.PauseAsync();
        }
    }

    // Null while a replica shows what it has seen before.
    private static async Task<string?> StateAsync(HttpClient client, string model)
    {
        using var overview = JsonDocument.Parse(await client.GetStringAsync("/v1/overview", Cancellation));
        return overview.RootElement.GetProperty("models").EnumerateArray()
            .Where(m => m.GetProperty("name").GetString() == model).Select(m => m.GetProperty("state").GetString()).SingleOrDefault();
    }

    private static async Task<string> ErrorAsync(HttpResponseMessage response)
    {
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        return body.RootElement.GetProperty("error").GetString()!;
    }
}
