using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary><c>/v1/requests</c>: what became of a request, and why.</summary>
public sealed class RequestTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rejected_request_is_found_by_its_correlation_id_with_the_reason_that_its_caller_was_told()
    {
        var tenant = await TestTenant.CreateAsync(platform);
        using var client = await tenant.ClientAsync();
        using var good = await InferAsync(client);
        using var bad = await client.PostAsync(
            "/v2/models/digits/infer", Digits.Json("""{"inputs":[{"name":"input","datatype":"FP32","shape":[1,2],"data":[1,2]}]}"""),
            Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
        var told = (await bad.JsonAsync()).GetProperty("error").GetString();
        await ListAsync(client, "", 2);

        var failed = Assert.Single(await ListAsync(client, "?status=failed", 1));
        Assert.Equal((400, told), (failed.GetProperty("status").GetInt32(), failed.GetProperty("error").GetString()));
        Assert.Equal(bad.Headers.GetValues("X-Correlation-Id").Single(), failed.GetProperty("trace_id").GetString());
        Assert.Equal(JsonValueKind.Null, failed.GetProperty("priority").ValueKind);
        var found = Assert.Single(await ListAsync(client, $"?trace={failed.GetProperty("trace_id").GetString()!.ToUpperInvariant()}", 1));
        Assert.Equal(failed.GetRawText(), found.GetRawText());

        var served = Assert.Single(await ListAsync(client, "?model=digits&version=1&status=200&min_ms=0.001", 1));
        Assert.True(served.GetProperty("batch_size").GetInt32() > 0);
        Assert.True(
            served.GetProperty("total_us").GetInt64()
            >= served.GetProperty("queue_us").GetInt64() + served.GetProperty("compute_us").GetInt64());
        Assert.Equal(("normal", "stable"), (served.GetProperty("priority").GetString(), served.GetProperty("role").GetString()));
        Assert.Equal(served.GetRawText(), (await GetAsync(client, $"/v1/requests/{served.GetProperty("id")}")).GetRawText());
        Assert.Empty(await ListAsync(client, "?status=5xx", 0));
        Assert.Empty(await ListAsync(client, "?model=another", 0));
        Assert.Empty(await ListAsync(client, "?min_ms=80000000", 0));
        Assert.Empty(await ListAsync(client, "?to=2026-01-01", 0));
    }

    [Fact]
    public async Task Pages_follow_each_other_without_a_gap_or_a_repetition()
    {
        var tenant = await TestTenant.CreateAsync(platform);
        using var client = await tenant.ClientAsync();
        foreach (var answer in await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => InferAsync(client))))
        {
            answer.Dispose();
        }

        var all = (await ListAsync(client, "", 5)).Select(r => r.GetProperty("id").GetGuid()).ToList();
        var walked = new List<Guid>();
        string? cursor = null;
        do
        {
            var page = await GetAsync(client, $"/v1/requests?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}");
            walked.AddRange(page.GetProperty("requests").EnumerateArray().Select(r => r.GetProperty("id").GetGuid()));
            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);

        Assert.Equal(all, walked);
    }

    [Fact]
    public async Task Request_of_another_tenant_or_of_a_model_outside_the_scope_is_not_there()
    {
        var (owner, stranger) = (await TestTenant.CreateAsync(platform), await TestTenant.CreateAsync(platform));
        using var mine = await owner.ClientAsync();
        using var theirs = await stranger.ClientAsync();
        using var answered = await InferAsync(mine);
        var id = Assert.Single(await ListAsync(mine, "", 1)).GetProperty("id").GetGuid();

        using var unknown = await theirs.GetAsync($"/v1/requests/{id}", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        Assert.Empty(await ListAsync(theirs, "", 0));
        foreach (var tenant in (string[])[owner.Id, "all"])
        {
            using var refused = await theirs.GetAsync($"/v1/requests?tenant={tenant}", Cancellation);
            Assert.Equal((tenant, HttpStatusCode.Forbidden), (tenant, refused.StatusCode));
        }

        using var admin = platform.Admin();
        Assert.Equal(owner.Id, Assert.Single(await ListAsync(admin, $"?tenant={owner.Id}", 1)).GetProperty("tenant").GetString());
        Assert.Contains(await ListAsync(admin, "?tenant=all&limit=200", 1), r => r.GetProperty("id").GetGuid() == id);
        Assert.Equal(id, (await GetAsync(admin, $"/v1/requests/{id}")).GetProperty("id").GetGuid());

        var (_, key) = await admin.CreateKeyAsync("user", owner.Id, ["another"]);
        using var scoped = platform.WithKey(key);
        using var hidden = await scoped.GetAsync($"/v1/requests/{id}", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, hidden.StatusCode);
        Assert.Empty(await ListAsync(scoped, "", 0));
    }

    [Theory]
    [InlineData("?from=yesterday", "from: 'yesterday' given")]
    [InlineData("?to=11/12/2026", "to: '11/12/2026' given, a time such as 2026-11-01 or")]
    [InlineData("?from=2026-01-01&to=2026-03-01", "from: '2026-01-01' given, a time before to")]
    [InlineData("?to=tomorrow", "to: 'tomorrow' given")]
    [InlineData("?to=0001-01-01", "to: '0001-01-01' given")]
    [InlineData("?limit=0", "limit: 0 given, 1 to 200 expected")]
    [InlineData("?limit=201", "limit: 201 given, 1 to 200 expected")]
    [InlineData("?status=broken", "status: 'broken' given, failed, 4xx, 5xx or a number")]
    [InlineData("?status=600", "status: '600' given")]
    [InlineData("?min_ms=-1", "min_ms: -1 given, milliseconds from 0 to 86400000 expected")]
    [InlineData("?min_ms=NaN", "min_ms: NaN given")]
    [InlineData("?trace=4bf9", "trace: '4bf9' given, 32 hexadecimal digits expected")]
    [InlineData("?model=%00", "model: a name without U+0000 expected")]
    [InlineData("?cursor=1.x", "cursor: '1.x' is not one that a list has given")]
    public async Task Wrong_question_is_refused_by_name(string query, string detail)
    {
        using var client = platform.Admin();

        using var response = await client.GetAsync($"/v1/requests{query}", Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(detail, (await response.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private static async Task<HttpResponseMessage> InferAsync(HttpClient client)
    {
        var response = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response;
    }

    private static async Task<JsonElement> GetAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.JsonAsync();
    }

    // Records are written in batches, a fraction of a second later.
    private static async Task<IReadOnlyList<JsonElement>> ListAsync(HttpClient client, string query, int atLeast)
    {
        var wait = Wait.For($"{atLeast} requests at {query}");
        while (true)
        {
            var requests = (await GetAsync(client, $"/v1/requests{query}")).GetProperty("requests").EnumerateArray().ToList();
            if (requests.Count >= atLeast)
            {
                return requests;
            }

            await wait.PauseAsync();
        }
    }
}
