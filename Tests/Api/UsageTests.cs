using System.Globalization;
using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

[Collection(nameof(TrafficPlatform))]
public sealed class UsageTests(TrafficPlatform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_and_jobs_are_summed_with_the_cost_that_their_answers_told()
    {
        var tenant = await TestTenant.CreateAsync(platform);
        using var client = await tenant.ClientAsync();

        using var call = await client.PostAsync("/v2/models/priced/infer", TrafficPlatform.Indices(1, 2), Cancellation);
        using var failed = await client.PostAsync("/v2/models/priced/infer", TrafficPlatform.Indices(99), Cancellation);
        using var request = JobCalls.Request("priced", TrafficPlatform.Indices(3));
        using var submitted = await client.SendAsync(request, Cancellation);
        var job = (await submitted.JsonAsync()).GetProperty("id").GetGuid();
        Assert.Equal("succeeded", (await client.EndedAsync(job)).GetProperty("state").GetString());
        using var result = await client.GetAsync($"/v1/jobs/{job}/result", Cancellation);

        // The result of a job tells what a call's answer does.
        var (ofCall, ofJob) = ((await call.JsonAsync()).GetProperty("parameters"), (await result.JsonAsync()).GetProperty("parameters"));
        var cost = ofJob.GetProperty("cost").GetDecimal();
        Assert.True(cost > 0);
        Assert.Equal("EUR", ofJob.GetProperty("currency").GetString());
        Assert.Equal(
            $"{cost.ToString("0.###############", CultureInfo.InvariantCulture)} EUR", result.Headers.GetValues("Inference-Cost").Single());
        Assert.Matches("^queue;dur=[0-9.]+, compute;dur=[0-9.]+$", result.Headers.GetValues("Server-Timing").Single());
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.BadRequest), (call.StatusCode, failed.StatusCode));

        var usage = await UsageAsync(client, "", 3);
        var row = Assert.Single(usage.GetProperty("usage").EnumerateArray());
        Assert.Equal(("priced", 3, 1, 1, 0), (
            row.GetProperty("model").GetString(), row.GetProperty("requests").GetInt32(), row.GetProperty("failures").GetInt32(),
            row.GetProperty("jobs").GetInt32(), row.GetProperty("cached").GetInt32()));
        Assert.Equal(ofCall.GetProperty("cost").GetDecimal() + cost, row.GetProperty("cost").GetDecimal());
        Assert.True(row.GetProperty("device_seconds").GetDecimal() > 0);
        Assert.Equal("EUR", usage.GetProperty("currency").GetString());

        // By tenant, for whoever runs the platform; and as a statement.
        using var admin = platform.Admin();
        var all = await UsageAsync(admin, "?tenant=all&group=tenant,version,hour", 3);
        Assert.Contains(all.GetProperty("usage").EnumerateArray(),
            r => r.GetProperty("tenant").GetString() == tenant.Id && r.GetProperty("version").GetString() == "1");
        using var statement = await client.GetAsync("/v1/usage/statement", Cancellation);
        Assert.Equal("text/csv", statement.Content.Headers.ContentType!.MediaType);
        var lines = (await statement.Content.ReadAsStringAsync(Cancellation)).Split("\r\n");
        Assert.Equal(
            "tenant,month,day,model,version,requests,failures,cached,jobs,device_seconds,cost,currency,prompt_tokens,completion_tokens",
            lines[0]);
        Assert.StartsWith($"{tenant.Id},", lines[1], StringComparison.Ordinal);
        Assert.Contains(",priced,1,3,1,0,1,", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("total,", lines[2], StringComparison.Ordinal);
        Assert.EndsWith(
            $",{(ofCall.GetProperty("cost").GetDecimal() + cost).ToString("0.###############", CultureInfo.InvariantCulture)},EUR,0,0",
            lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Equal_requests_that_share_one_run_count_one_by_one()
    {
        await platform.ExecuteAsync(
            """UPDATE models SET settings = '{"cache":{"time_to_live":"00:10:00","max_bytes":65536}}' WHERE name = 'cached'""");
        var tenant = await TestTenant.CreateAsync(platform, """
            "requests_per_minute":1,"burst":8,"monthly_inferences":5
            """);
        using var client = await tenant.ClientAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ =>
            client.PostAsync("/v2/models/cached/infer", TrafficPlatform.Indices(4), Cancellation)));

        // The quota is the tighter of the two limits.
        Assert.Equal(5, answers.Count(a => a.StatusCode == HttpStatusCode.OK));
        Assert.Equal(15, answers.Count(a => a.StatusCode == HttpStatusCode.TooManyRequests));
        await UsageAsync(client, "", 5);
    }

    [Theory]
    [InlineData("?from=yesterday", "from")]
    [InlineData("?from=11/12/2026", "from")]
    [InlineData("?to=12:00", "to")]
    [InlineData("?from=2026-01-02&to=2026-01-01", "to")]
    [InlineData("?from=2024-01-01&to=2026-01-01", "to")]
    [InlineData("?group=colour", "group")]
    [InlineData("?group=1", "group")]
    [InlineData("/statement?month=November", "month")]
    [InlineData("/statement?month=9999-12", "month")]
    [InlineData("/statement?by=hour", "by")]
    public async Task Wrong_question_is_refused_by_name(string query, string field)
    {
        using var client = platform.Admin();

        using var response = await client.GetAsync($"/v1/usage{query}", Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(field, (await response.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    // Sums are a second or two behind.
    private static async Task<JsonElement> UsageAsync(HttpClient client, string query, long requests)
    {
        var wait = Wait.For($"{requests} requests in the usage");
        while (true)
        {
            using var response = await client.GetAsync($"/v1/usage{query}", Cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            var usage = await response.JsonAsync();
            if (usage.GetProperty("total").GetProperty("requests").GetInt64() >= requests)
            {
                return usage;
            }

            await wait.PauseAsync();
        }
    }
}
