using System.Net;
using System.Text.Json;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>Calls that wait, because the worker is paused.</summary>
internal static class WaitingCalls
{
    private const string Model = "digits";

    /// <summary>Begins a call that has nearly a minute.</summary>
    public static Task<HttpResponseMessage> BeginAsync(HttpClient client, CancellationToken cancellationToken) => client.PostAsync(
        $"/v2/models/{Model}/infer", Digits.Request([Digits.HeldOut[0].Pixels], extra: "\"parameters\":{\"timeout\":58000000},"),
        cancellationToken);

    /// <summary>
    /// Waits until as many requests of the model, or more, have been queued and are still there: one break of a connection may be told
    /// twice, and then there are two copies more before anybody looks.
    /// </summary>
    /// <returns>How many there are.</returns>
    public static async Task<long> QueuedAsync(IConnectionMultiplexer redis, long atLeast, TimeSpan? limit = null)
    {
        var depth = 0L;
        await Wait.UntilAsync(async () => (depth = await DepthAsync(redis)) >= atLeast, limit);
        return depth;
    }

    private static async Task<long> DepthAsync(IConnectionMultiplexer redis) =>
        (await new RequestQueue(redis, Options.Create(new QueueOptions()), TimeProvider.System).DepthsAsync([(Model, "1")]))[0];

    /// <summary>Pauses the worker once it has put away what another test left.</summary>
    public static async Task<IDisposable> PauseWorkerAsync(Platform platform, IConnectionMultiplexer redis)
    {
        await Wait.UntilAsync(async () => await DepthAsync(redis) == 0);
        return await Faults.PauseAsync(platform, "Worker");
    }
}

/// <summary>What callers hear when Redis loses what they wait for.</summary>
public sealed class LostAnswerTests(QueuePlatform platform) : IClassFixture<QueuePlatform>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Call_whose_answer_may_be_lost_four_times_is_503_long_before_its_deadline()
    {
        await using var redis = await Faults.AdministerRedisAsync(platform);
        using var paused = await WaitingCalls.PauseWorkerAsync(platform, redis);
        using var client = platform.Admin();
        var waiting = WaitingCalls.BeginAsync(client, Cancellation);

        // Cancelled copies stay where they are until they are read.
        for (var copies = 0L; copies < 4;)
        {
            // A connection that is not there again soon enough ends the call sooner.
            var next = WaitingCalls.QueuedAsync(redis, copies + 1);
            if (await Task.WhenAny(waiting, next) == waiting)
            {
                break;
            }

            copies = await next;
            Assert.True((int)await redis.GetDatabase().ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub") > 0);
        }

        using var response = await waiting;

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.StartsWith("the answer was lost, since the connection to Redis broke", await ErrorAsync(response), StringComparison.Ordinal);
        Assert.NotNull(response.Headers.RetryAfter);
    }

    [Fact]
    public async Task Call_ends_by_its_own_deadline_and_not_by_the_patience_of_a_client_of_redis_that_hangs()
    {
        await using var redis = await Faults.AdministerRedisAsync(platform);
        using var client = platform.Admin();
        // Longer than what the client of Redis waits for an answer, here and in the Api.
        await redis.GetDatabase().ExecuteAsync("CLIENT", "PAUSE", 12_000, "ALL");

        var hanging = redis.GetDatabase().PingAsync();
        var call = client.PostAsync(
            "/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels], extra: "\"parameters\":{\"timeout\":1000000},"),
            Cancellation);

        Assert.Same(call, await Task.WhenAny(call, hanging));
        using var response = await call;
        Assert.Equal(
            (HttpStatusCode.GatewayTimeout, "the queue did not answer within 1 s"), (response.StatusCode, await ErrorAsync(response)));
        await Assert.ThrowsAsync<RedisTimeoutException>(() => hanging);
        // The other tests need an Api that has noticed that Redis is back.
        await Wait.UntilAsync(async () =>
        {
            using var answer = await client.PostAsync(
                "/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
            return answer.IsSuccessStatusCode;
        });
    }

    [Fact]
    public async Task Call_that_waits_when_redis_loses_its_data_is_queued_again()
    {
        await using var redis = await Faults.AdministerRedisAsync(platform);
        using var paused = await WaitingCalls.PauseWorkerAsync(platform, redis);
        using var client = platform.Admin();
        using var left = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        // The replicas know the data by its mark, and read that every second.
        await Wait.UntilAsync(async () => await redis.GetDatabase().KeyExistsAsync(QueueKeys.Epoch));
        var waiting = WaitingCalls.BeginAsync(client, left.Token);
        await WaitingCalls.QueuedAsync(redis, 1);

        await redis.GetDatabase().ExecuteAsync("FLUSHALL");

        await WaitingCalls.QueuedAsync(redis, 1, TimeSpan.FromSeconds(30));
        Assert.False(waiting.IsCompleted);
        await left.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    internal static async Task<string> ErrorAsync(HttpResponseMessage response)
    {
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        return body.RootElement.GetProperty("error").GetString()!;
    }
}

/// <summary>Ends its Redis, hence has a platform to itself.</summary>
[Trait("Tier", "Nightly")]
public sealed class AnswerOfRedisAwayTests(QueuePlatform platform) : IClassFixture<QueuePlatform>
{
    [Fact]
    public async Task Call_that_waits_when_redis_ends_is_503_long_before_its_deadline_and_so_is_every_call_after_it()
    {
        await using var redis = await Faults.AdministerRedisAsync(platform);
        using var paused = await WaitingCalls.PauseWorkerAsync(platform, redis);
        using var client = platform.Admin();
        var waiting = WaitingCalls.BeginAsync(client, TestContext.Current.CancellationToken);
        await WaitingCalls.QueuedAsync(redis, 1);

        await Assert.ThrowsAnyAsync<RedisException>(() => redis.GetDatabase().ExecuteAsync("SHUTDOWN", "NOSAVE"));
        using var response = await waiting;

        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable,
                "the answer was lost, since the connection to Redis broke and is not there again: try again"),
            (response.StatusCode, await LostAnswerTests.ErrorAsync(response)));
        await platform.AnswersAsync(
            HttpStatusCode.ServiceUnavailable, "the queue is unavailable", HttpMethod.Post, "/v2/models/digits/infer");
    }
}
