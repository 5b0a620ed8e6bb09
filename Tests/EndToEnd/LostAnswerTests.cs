using System.Net;
using System.Text.Json;
using Aspire.Hosting.Testing;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A platform whose worker is paused, so that requests stay in the queue.</summary>
public sealed class WaitingPlatform : Platform
{
    private const string Model = "digits";

    public async Task<ConnectionMultiplexer> RedisAsync()
    {
        var options = ConfigurationOptions.Parse((await App.GetConnectionStringAsync("redis", TestContext.Current.CancellationToken))!);
        options.AllowAdmin = true;
        return await ConnectionMultiplexer.ConnectAsync(options);
    }

    /// <summary>Begins a call that has nearly a minute.</summary>
    public static Task<HttpResponseMessage> CallAsync(HttpClient client, CancellationToken cancellationToken) => client.PostAsync(
        $"/v2/models/{Model}/infer", Digits.Request([Digits.HeldOut[0].Pixels], extra: "\"parameters\":{\"timeout\":58000000},"), cancellationToken);

    /// <summary>Waits until so many requests of the model have been queued in all that are still there.</summary>
    public static Task QueuedAsync(ConnectionMultiplexer redis, int count, TimeSpan? limit = null)
    {
        var queue = new RequestQueue(redis, Options.Create(new QueueOptions()), TimeProvider.System);
        return Wait.UntilAsync(async () => (await queue.DepthsAsync([(Model, "1")]))[0] == count, limit);
    }
}

/// <summary>What callers hear when Redis loses what they wait for.</summary>
public sealed class LostAnswerTests(WaitingPlatform platform) : IClassFixture<WaitingPlatform>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Call_whose_answer_may_be_lost_twice_is_503_long_before_its_deadline()
    {
        using var paused = await Faults.PauseAsync(platform, "Worker");
        await using var redis = await platform.RedisAsync();
        using var client = platform.Admin();
        var waiting = WaitingPlatform.CallAsync(client, Cancellation);

        // The cancelled first copy stays where it is until it is read.
        for (var copies = 1; copies <= 2; copies++)
        {
            await WaitingPlatform.QueuedAsync(redis, copies);
            Assert.True((int)await redis.GetDatabase().ExecuteAsync("CLIENT", "KILL", "TYPE", "pubsub") > 0);
        }

        using var response = await waiting;

        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "the answer was lost, since the connection to Redis broke: try again"),
            (response.StatusCode, await ErrorAsync(response)));
        Assert.NotNull(response.Headers.RetryAfter);
        await redis.GetDatabase().ExecuteAsync("FLUSHALL");
    }

    [Fact]
    public async Task Call_that_waits_when_redis_loses_its_data_is_queued_again()
    {
        using var paused = await Faults.PauseAsync(platform, "Worker");
        await using var redis = await platform.RedisAsync();
        using var client = platform.Admin();
        using var left = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await redis.GetDatabase().ExecuteAsync("FLUSHALL");

        // The reconciler marks the data every few seconds, and the replicas look at the mark each second.
        await Wait.UntilAsync(async () => await redis.GetDatabase().KeyExistsAsync(QueueKeys.Epoch));
        await Task.Delay(TimeSpan.FromSeconds(3), Cancellation);
        var waiting = WaitingPlatform.CallAsync(client, left.Token);
        await WaitingPlatform.QueuedAsync(redis, 1);

        await redis.GetDatabase().ExecuteAsync("FLUSHALL");

        await WaitingPlatform.QueuedAsync(redis, 1, TimeSpan.FromSeconds(30));
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
public sealed class AnswerOfRedisAwayTests(WaitingPlatform platform) : IClassFixture<WaitingPlatform>
{
    [Fact]
    public async Task Call_that_waits_when_redis_ends_is_503_long_before_its_deadline()
    {
        using var paused = await Faults.PauseAsync(platform, "Worker");
        await using var redis = await platform.RedisAsync();
        using var client = platform.Admin();
        var waiting = WaitingPlatform.CallAsync(client, TestContext.Current.CancellationToken);
        await WaitingPlatform.QueuedAsync(redis, 1);

        await Assert.ThrowsAnyAsync<RedisException>(() => redis.GetDatabase().ExecuteAsync("SHUTDOWN", "NOSAVE"));
        using var response = await waiting;

        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "the answer was lost, since the connection to Redis broke and is not there again: try again"),
            (response.StatusCode, await LostAnswerTests.ErrorAsync(response)));
    }
}
