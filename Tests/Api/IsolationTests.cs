using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>Two tenants, and every read of the one's by the other, which may be an admin as well.</summary>
public sealed class IsolationTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("user")]
    [InlineData("service")]
    [InlineData("admin")]
    public async Task Job_of_another_tenant_is_not_there(string role)
    {
        var (owner, stranger) = (await TestTenant.CreateAsync(platform), await TestTenant.CreateAsync(platform));
        using var mine = await owner.ClientAsync();
        using var theirs = await stranger.ClientAsync(role);
        using var submitted = await mine.SubmitAsync("digits", key: "shared-key");
        var id = (await submitted.JsonAsync()).GetProperty("id").GetGuid();
        await mine.EndedAsync(id);

        foreach (var (method, path) in ((HttpMethod, string)[])
        [
            (HttpMethod.Get, $"/v1/jobs/{id}"), (HttpMethod.Get, $"/v1/jobs/{id}/result"), (HttpMethod.Get, $"/v1/jobs/{id}/events"),
            (HttpMethod.Post, $"/v1/jobs/{id}/cancel"),
        ])
        {
            using var request = new HttpRequestMessage(method, path);
            using var response = await theirs.SendAsync(request, Cancellation);
            Assert.Equal((path, HttpStatusCode.NotFound), (path, response.StatusCode));
        }

        Assert.DoesNotContain(id, await theirs.IdsAsync("limit=200"));
        Assert.Contains(id, await mine.IdsAsync("limit=200"));

        // Of all tenants an admin sees how jobs do, and nobody else does.
        foreach (var tenant in (string[])[owner.Id, "all"])
        {
            using var listed = await theirs.GetAsync($"/v1/jobs?tenant={tenant}&limit=200", Cancellation);
            Assert.Equal(role == "admin" ? HttpStatusCode.OK : HttpStatusCode.Forbidden, listed.StatusCode);
            Assert.True(role != "admin" || (await listed.JsonAsync()).GetProperty("jobs").EnumerateArray().Any(
                job => job.GetProperty("id").GetGuid() == id && job.GetProperty("tenant").GetString() == owner.Id));
        }

        // The key is the tenant's own: the other's request is another job, and tells nothing of the first.
        using var same = await theirs.SubmitAsync("digits", key: "shared-key");
        Assert.Equal(HttpStatusCode.Accepted, same.StatusCode);
        Assert.False(same.Headers.Contains("Idempotency-Replayed"));
        Assert.NotEqual(id, (await same.JsonAsync()).GetProperty("id").GetGuid());
    }

    [Fact]
    public async Task Use_of_another_tenant_is_refused_and_never_in_the_own()
    {
        var (owner, stranger) = (await TestTenant.CreateAsync(platform), await TestTenant.CreateAsync(platform));
        using var mine = await owner.ClientAsync();
        using var theirs = await stranger.ClientAsync();
        using var answered = await mine.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
        await Wait.UntilAsync(
            async () => (await JsonAsync(mine, "/v1/usage")).GetProperty("total").GetProperty("requests").GetInt64() != 0);

        foreach (var path in (string[])["/v1/usage", "/v1/usage/statement"])
        {
            foreach (var tenant in (string[])[owner.Id, "all", "default"])
            {
                using var refused = await theirs.GetAsync($"{path}?tenant={tenant}", Cancellation);
                Assert.Equal((path, tenant, HttpStatusCode.Forbidden), (path, tenant, refused.StatusCode));
            }
        }

        Assert.Equal(
            0, (await JsonAsync(theirs, "/v1/usage?group=tenant,version,hour")).GetProperty("total").GetProperty("requests").GetInt64());
        Assert.DoesNotContain(owner.Id, await theirs.GetStringAsync("/v1/usage/statement", Cancellation), StringComparison.Ordinal);
        Assert.Equal(1, (await JsonAsync(mine, $"/v1/usage?tenant={owner.Id}")).GetProperty("total").GetProperty("requests").GetInt64());
    }

    [Fact]
    public async Task Tenant_sees_of_tenants_only_itself()
    {
        var (owner, stranger) = (await TestTenant.CreateAsync(platform), await TestTenant.CreateAsync(platform));
        using var theirs = await stranger.ClientAsync();

        using var other = await theirs.GetAsync($"/v1/tenants/{owner.Id}", Cancellation);
        using var list = await theirs.GetAsync("/v1/tenants", Cancellation);

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (other.StatusCode, list.StatusCode));
        Assert.Equal(stranger.Id, (await JsonAsync(theirs, "/v1/tenants/me")).GetProperty("id").GetString());
    }

    [Fact]
    public async Task Limits_of_one_tenant_are_not_used_up_by_another()
    {
        var (owner, stranger) = (await LimitedAsync(), await LimitedAsync());
        using var mine = await owner.ClientAsync();
        using var theirs = await stranger.ClientAsync();
        using var spent = await InferAsync(theirs);
        var wait = Wait.For("the tenant to have nothing left");
        while ((await InferAsync(theirs)).StatusCode == HttpStatusCode.OK)
        {
            wait.ThrowIfOver();
            // Until it has nothing left.
        }

        using var answered = await InferAsync(mine);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (spent.StatusCode, answered.StatusCode));

        Task<TestTenant> LimitedAsync() => TestTenant.CreateAsync(platform, """
            "requests_per_minute":1,"burst":1,"monthly_inferences":3
            """);
    }

    private static Task<HttpResponseMessage> InferAsync(HttpClient client) =>
        client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);

    private static async Task<JsonElement> JsonAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.JsonAsync();
    }
}
