using System.Net;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>Ends its servers, hence has a platform to itself.</summary>
public sealed class OutageTests(Platform platform) : IClassFixture<Platform>
{
    [Fact]
    public async Task Calls_of_open_models_go_on_while_redis_is_away_and_all_are_503_while_postgres_is_too()
    {
        await RedisAwayAsync();
        await PostgresAwayAsync();
    }

    private async Task RedisAwayAsync()
    {
        await platform.AnswersDirectlyAsync();

        await Faults.EndRedisAsync(platform);

        await platform.AnswersAsync(HttpStatusCode.OK, "outputs", HttpMethod.Post, "/v2/models/digits/infer");
        await platform.AnswersAsync(
            HttpStatusCode.ServiceUnavailable, "the queue is unavailable", HttpMethod.Get, "/v2/models/digits/ready");
        await platform.AnswersAsync(HttpStatusCode.ServiceUnavailable, "the queue is unavailable", HttpMethod.Get, "/v1/overview");
        await platform.AnswersAsync(HttpStatusCode.ServiceUnavailable, "Unhealthy", HttpMethod.Get, "/health");
        await platform.AnswersAsync(HttpStatusCode.OK, "Healthy", HttpMethod.Get, "/alive");
    }

    private async Task PostgresAwayAsync()
    {
        await using (var database = await platform.DatabaseAsync())
        await using (var stop = database.CreateCommand("COPY (SELECT 1) TO PROGRAM 'kill -INT $(head -n 1 postmaster.pid)'"))
        {
            // The server may end before it has answered.
            _ = await Record.ExceptionAsync(() => stop.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        }

        // The key that was used a moment ago is remembered for a second. Each connection is to one of the two replicas.
        var refusals = 0;
        await Wait.UntilAsync(async () =>
        {
            using var client = platform.Admin().OnNewConnections();
            using var response = await client.GetAsync("/v2", TestContext.Current.CancellationToken);
            refusals = response.StatusCode == HttpStatusCode.OK ? 0 : refusals + 1;
            return refusals == 20;
        });

        await platform.AnswersAsync(
            HttpStatusCode.ServiceUnavailable, "the database is unavailable", HttpMethod.Post, "/v2/models/digits/infer");
        await platform.AnswersAsync(HttpStatusCode.ServiceUnavailable, "Unhealthy", HttpMethod.Get, "/health");
        await platform.AnswersAsync(HttpStatusCode.OK, "Healthy", HttpMethod.Get, "/alive");
    }
}

internal static class OutageAnswers
{
    /// <summary>Waits until both replicas have sent calls directly to a worker.</summary>
    public static async Task AnswersDirectlyAsync(this Platform platform)
    {
        // Each connection is to one of the two, and one does not tell which.
        var seen = 0;
        await Wait.UntilAsync(async () =>
        {
            await platform.AnswersAsync(HttpStatusCode.OK, "outputs", HttpMethod.Post, "/v2/models/digits/infer");
            using var client = platform.Anonymous().OnNewConnections();
            var metrics = await client.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
            seen = metrics.Contains("inference_direct_calls_total{", StringComparison.Ordinal) ? seen + 1 : 0;
            return seen == 20;
        });
    }

    public static async Task AnswersAsync(this Platform platform, HttpStatusCode status, string text, HttpMethod method, string path)
    {
        using var client = platform.Admin().OnNewConnections();
        using var request = new HttpRequestMessage(method, path);
        request.Content = method == HttpMethod.Post ? Digits.Request([Digits.HeldOut[0].Pixels]) : null;

        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.True(response.StatusCode == status, $"{path}: {response.StatusCode} {body}");
        Assert.Contains(text, body, StringComparison.Ordinal);
        Assert.Equal(status == HttpStatusCode.ServiceUnavailable && path != "/health", response.Headers.RetryAfter is not null);
    }
}
