using System.Diagnostics;
using System.Globalization;
using System.Net;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class LimitTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rate_is_exact_over_all_replicas_and_refusals_say_when_to_come_again()
    {
        var tenant = await TestTenant.CreateAsync(platform, """
            "requests_per_minute":1,"burst":6
            """);
        var key = await tenant.KeyAsync();
        var elapsed = Stopwatch.StartNew();

        // A client of its own each time, so that both replicas are asked.
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(async _ =>
        {
            using var client = platform.WithKey(key);
            return await InferAsync(client);
        }));
        var admitted = answers.Where(a => a.StatusCode == HttpStatusCode.OK).ToList();

        Assert.InRange(admitted.Count, 6, 6 + (int)elapsed.Elapsed.TotalMinutes);
        Assert.All(admitted, a => Assert.Equal("1", Header(a, "RateLimit-Limit")));
        Assert.Contains(admitted, a => Header(a, "RateLimit-Remaining") == "0");
        Assert.Contains(admitted, a => Header(a, "RateLimit-Remaining") == "5");
        foreach (var refused in answers.Except(admitted))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.Contains("1 requests a minute, 6 at once", await refused.ErrorAsync(), StringComparison.Ordinal);
            Assert.InRange(int.Parse(Header(refused, "Retry-After"), CultureInfo.InvariantCulture), 1, 60);
            Assert.Equal("\"requests\";q=1;w=60", Header(refused, "RateLimit-Policy"));
            Assert.Equal(("0", $"\"requests\";r=0;t={Header(refused, "RateLimit-Reset")}"),
                (Header(refused, "RateLimit-Remaining"), Header(refused, "RateLimit")));
            Assert.InRange(int.Parse(Header(refused, "RateLimit-Reset"), CultureInfo.InvariantCulture), 300, 360);
        }
    }

    [Fact]
    public async Task Tenant_without_limits_hears_nothing_of_them()
    {
        using var client = platform.Admin();
        using var response = await InferAsync(client);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.DoesNotContain(response.Headers, h => h.Key.StartsWith("RateLimit", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Tenant_known_to_be_out_of_requests_is_refused_before_its_body_is_read()
    {
        var tenant = await TestTenant.CreateAsync(platform, """
            "requests_per_minute":1,"burst":1
            """);
        using var client = await tenant.ClientAsync();

        var wait = Wait.For("both calls to be refused");
        // One connection, so one replica. Its knowledge lasts a second at most, so a machine that stood still may need another try.
        while (true)
        {
            using var asked = await InferAsync(client);
            using var unread = await client.PostAsync("/v2/models/digits/infer", Digits.Json("not JSON"), Cancellation);
            if (asked.StatusCode == HttpStatusCode.TooManyRequests && unread.StatusCode == HttpStatusCode.TooManyRequests)
            {
                return;
            }

            await wait.PauseAsync();
        }
    }

    [Fact]
    public async Task Jobs_count_as_requests_and_as_inferences()
    {
        var tenant = await TestTenant.CreateAsync(platform, """
            "requests_per_minute":1,"burst":3
            """);
        var thrifty = await TestTenant.CreateAsync(platform, """
            "requests_per_minute":0,"monthly_inferences":2
            """);
        using var client = await tenant.ClientAsync();
        using var other = await thrifty.ClientAsync();
        var elapsed = Stopwatch.StartNew();

        var accepted = 0;
        HttpResponseMessage last;
        var wait = Wait.For("jobs to be refused");
        while ((last = await client.SubmitAsync("digits")).StatusCode == HttpStatusCode.Accepted)
        {
            wait.ThrowIfOver();
            accepted++;
            Assert.Equal("1", Header(last, "RateLimit-Limit"));
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, last.StatusCode);
        Assert.InRange(accepted, 3, 3 + (int)elapsed.Elapsed.TotalMinutes);

        // A repetition is the same job, and no inference.
        using var first = await other.SubmitAsync("digits", key: "once");
        using var again = await other.SubmitAsync("digits", key: "once");
        using var second = await other.SubmitAsync("digits");
        using var third = await other.SubmitAsync("digits");
        Assert.Equal(
            [HttpStatusCode.Accepted, HttpStatusCode.Accepted, HttpStatusCode.Accepted, HttpStatusCode.TooManyRequests],
            [first.StatusCode, again.StatusCode, second.StatusCode, third.StatusCode]);
    }

    [Fact]
    public async Task Monthly_quota_stops_exactly_there_is_told_and_can_be_raised()
    {
        var tenant = await TestTenant.CreateAsync(platform, """
            "requests_per_minute":0,"monthly_inferences":5
            """);
        var key = await tenant.KeyAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            using var client = platform.WithKey(key);
            return await InferAsync(client);
        }));

        Assert.Equal(5, answers.Count(a => a.StatusCode == HttpStatusCode.OK));
        foreach (var refused in answers.Where(a => a.StatusCode != HttpStatusCode.OK))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.Contains("the 5 inferences for", await refused.ErrorAsync(), StringComparison.Ordinal);
            Assert.InRange(int.Parse(Header(refused, "Retry-After"), CultureInfo.InvariantCulture), 1, 31 * 24 * 3600);
        }

        // The sums follow, and with them the word that all is used; it was put down once.
        using var patient = platform.WithKey(key);
        var wait = Wait.For("the month to be used up");
        while (true)
        {
            using var refused = await InferAsync(patient);
            if (refused.Headers.TryGetValues("Inference-Month-Used", out var used) && used.Single() == "1")
            {
                break;
            }

            await wait.PauseAsync();
        }

        await Wait.UntilAsync(async () => await ScalarAsync(
            "SELECT 1 FROM tenant_months WHERE tenant_id = $1 AND inferences = 5 AND alerted_at IS NOT NULL AND stopped_at IS NOT NULL",
            tenant.Id) is not null);

        await tenant.PatchAsync("""{"monthly_inferences":6}""");
        await Wait.UntilAsync(async () => (await InferAsync(patient)).StatusCode == HttpStatusCode.OK);

        Assert.Equal(HttpStatusCode.TooManyRequests, (await InferAsync(patient)).StatusCode);
    }

    [Fact]
    public async Task Spent_budget_stops_calls_and_jobs_unless_overdraft_is_allowed()
    {
        var tenant = await TestTenant.CreateAsync(platform, "\"monthly_budget\":2.5");
        await platform.ExecuteAsync(
            "INSERT INTO tenant_months (tenant_id, month, inferences, cost) VALUES ($1, date_trunc('month', now() AT TIME ZONE 'UTC')::date, 0, 2.5)", tenant.Id);
        using var client = await tenant.ClientAsync();

        using var call = await InferAsync(client);
        using var job = await client.SubmitAsync("digits");

        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.TooManyRequests), (call.StatusCode, job.StatusCode));
        Assert.Contains("the budget of 2.5 for", await call.ErrorAsync(), StringComparison.Ordinal);

        await tenant.PatchAsync("""{"allow_overdraft":true}""");
        HttpResponseMessage allowed;
        var wait = Wait.For("the tenant to be allowed to overdraw");
        while ((allowed = await InferAsync(client)).StatusCode != HttpStatusCode.OK)
        {
            await wait.PauseAsync();
        }

        Assert.Equal("1", Header(allowed, "Inference-Month-Used"));
    }

    [Fact]
    public async Task Flooding_tenant_gets_its_slots_and_the_quiet_one_its_answer()
    {
        using var queue = await ModelQueue.OpenAsync(platform);
        await queue.RegisterAsync();
        var loud = await TestTenant.CreateAsync(platform, """
            "requests_per_minute":0,"max_concurrency":3
            """);
        var quiet = await TestTenant.CreateAsync(platform);
        var loudKey = await loud.KeyAsync();

        var flood = Enumerable.Range(0, 40).Select(async _ =>
        {
            using var client = platform.WithKey(loudKey);
            return await CallAsync(client);
        }).ToList();

        // Three wait, and all others hear it at once, while no worker takes anything.
        await Wait.UntilAsync(() => flood.Count(f => f.IsCompleted) >= 37);

        foreach (var refused in flood.Where(f => f.IsCompletedSuccessfully).Select(f => f.Result))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.Equal("1", Header(refused, "Retry-After"));
            Assert.Contains("3 requests waiting or running", await refused.ErrorAsync(), StringComparison.Ordinal);
        }

        using var other = await quiet.ClientAsync();
        var answer = CallAsync(other);
        await ServeUntilAsync(queue, Task.WhenAll([answer, .. flood]));

        Assert.Equal(HttpStatusCode.BadRequest, (await answer).StatusCode);
        Assert.Equal(3, (await Task.WhenAll(flood)).Count(a => a.StatusCode == HttpStatusCode.BadRequest));

        // A connection may lead to a replica that has not read the registry since the model was put there.
        async Task<HttpResponseMessage> CallAsync(HttpClient client)
        {
            var wait = Wait.For($"a replica that knows {queue.Model}");
            while (true)
            {
                var response = await InferAsync(client, queue.Model, "\"parameters\":{\"timeout\":60000000},");
                if (response.StatusCode != HttpStatusCode.NotFound)
                {
                    return response;
                }

                await wait.PauseAsync();
            }
        }
    }

    [Fact]
    public async Task Priority_above_the_ceiling_is_lowered_and_the_answer_says_so()
    {
        var tenant = await TestTenant.CreateAsync(platform, "\"priority_ceiling\":\"low\"");
        var free = await TestTenant.CreateAsync(platform);
        using var client = await tenant.ClientAsync();
        using var other = await free.ClientAsync();

        using var lowered = await InferAsync(client, extra: "\"parameters\":{\"priority\":1},");
        using var asAsked = await InferAsync(other, extra: "\"parameters\":{\"priority\":1},");
        using var job = await client.SubmitAsync("digits", extra: "\"parameters\":{\"priority\":1},");

        Assert.Equal("low", (await lowered.JsonAsync()).GetProperty("parameters").GetProperty("priority").GetString());
        Assert.False((await asAsked.JsonAsync()).GetProperty("parameters").TryGetProperty("priority", out _));
        Assert.Equal("low", (await job.JsonAsync()).GetProperty("priority").GetString());
        await Wait.UntilAsync(async () => await ScalarAsync("SELECT priority FROM predictions WHERE tenant_id = $1", tenant.Id) is "low");
    }

    // The worker is the test's: what it has read it answers with an error.
    private static async Task ServeUntilAsync(ModelQueue queue, Task answered)
    {
        var wait = Wait.For("the calls to be answered");
        while (!answered.IsCompleted)
        {
            if (await queue.Worker.ReadAsync(10) is not { Count: > 0 } taken)
            {
                await wait.PauseAsync();
                continue;
            }

            var replies = new Replies();
            foreach (var request in taken.Select(t => t.Request))
            {
                replies.Refuse(request, ReplyOutcome.Failed, "no answer but this", request.EnqueuedAt, "test");
            }

            await queue.Worker.CompleteAsync(taken, replies);
        }
    }

    private static Task<HttpResponseMessage> InferAsync(HttpClient client, string model = "digits", string extra = "") =>
        client.PostAsync($"/v2/models/{model}/infer", Digits.Request([Digits.HeldOut[0].Pixels], extra: extra), Cancellation);

    private static string Header(HttpResponseMessage response, string name) => response.Headers.GetValues(name).Single();

    private async Task<object?> ScalarAsync(string sql, params object[] values)
    {
        await using var database = await platform.DatabaseAsync();
        await using var command = database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        return await command.ExecuteScalarAsync(Cancellation);
    }
}
