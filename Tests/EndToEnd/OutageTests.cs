using System.Net;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>Ends its Redis, hence has a platform to itself.</summary>
public sealed class RedisAwayTests(Platform platform) : IClassFixture<Platform>
{
    [Fact]
    public async Task Requests_are_answered_503_while_redis_is_away()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var options = ConfigurationOptions.Parse((await platform.App.GetConnectionStringAsync("redis", cancellation))!);
        options.AllowAdmin = true;
        using (var redis = await ConnectionMultiplexer.ConnectAsync(options))
        {
            await Assert.ThrowsAnyAsync<RedisException>(() => redis.GetDatabase().ExecuteAsync("SHUTDOWN", "NOSAVE"));
        }

        await platform.AnswersAsync(HttpStatusCode.ServiceUnavailable, "the queue is unavailable", HttpMethod.Post, "/v2/models/digits/infer");
        await platform.AnswersAsync(HttpStatusCode.ServiceUnavailable, "the queue is unavailable", HttpMethod.Get, "/v2/models/digits/ready");
        await platform.AnswersAsync(HttpStatusCode.ServiceUnavailable, "the queue is unavailable", HttpMethod.Get, "/v1/overview");
        await platform.AnswersAsync(HttpStatusCode.ServiceUnavailable, "Unhealthy", HttpMethod.Get, "/health");
        await platform.AnswersAsync(HttpStatusCode.OK, "Healthy", HttpMethod.Get, "/alive");
    }
}

/// <summary>Ends its Postgres, hence has a platform to itself.</summary>
public sealed class PostgresAwayTests(Platform platform) : IClassFixture<Platform>
{
    [Fact]
    public async Task Requests_are_answered_503_while_postgres_is_away()
    {
        await using (var database = await platform.DatabaseAsync())
        await using (var stop = database.CreateCommand("COPY (SELECT 1) TO PROGRAM 'kill -INT $(head -n 1 postmaster.pid)'"))
        {
            // The server may end before it has answered.
            _ = await Record.ExceptionAsync(() => stop.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        }

        // The key that was used a moment ago is remembered for a second.
        HttpStatusCode status;
        using var client = platform.Admin();
        var wait = Wait.For("the outage to be noticed");
        do
        {
            using var response = await client.GetAsync("/v2", TestContext.Current.CancellationToken);
            status = response.StatusCode;
            await wait.PauseAsync();
        }
        while (status == HttpStatusCode.OK);

        await platform.AnswersAsync(HttpStatusCode.ServiceUnavailable, "the database is unavailable", HttpMethod.Post, "/v2/models/digits/infer");
        await platform.AnswersAsync(HttpStatusCode.ServiceUnavailable, "Unhealthy", HttpMethod.Get, "/health");
        await platform.AnswersAsync(HttpStatusCode.OK, "Healthy", HttpMethod.Get, "/alive");
    }
}

internal static class OutageAnswers
{
    public static async Task AnswersAsync(this Platform platform, HttpStatusCode status, string text, HttpMethod method, string path)
    {
        using var client = platform.Admin();
        using var request = new HttpRequestMessage(method, path);
        request.Content = method == HttpMethod.Post ? Digits.Request([Digits.HeldOut[0].Pixels]) : null;

        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.True(response.StatusCode == status, $"{path}: {response.StatusCode} {body}");
        Assert.Contains(text, body, StringComparison.Ordinal);
        Assert.Equal(status == HttpStatusCode.ServiceUnavailable && path != "/health", response.Headers.RetryAfter is not null);
    }
}
