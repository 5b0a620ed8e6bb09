using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>Flags for tenants of the tests' own, so that nobody else meets them.</summary>
public sealed class FeatureTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Jobs_are_switched_off_and_on_for_a_tenant_while_calls_go_on()
    {
        await using var tenant = await NamedTenant.CreateAsync(platform);
        using var admin = platform.Admin();
        using var client = platform.WithKey(await tenant.KeyAsync("user"));
        await SetAsync(admin, "jobs", new { enabled = true, excluded_tenants = new[] { tenant.Id } });

        // Every replica learns of it within a second.
        var refused = await UntilAsync(() => client.SubmitAsync("digits"), HttpStatusCode.ServiceUnavailable);
        Assert.StartsWith("jobs are switched off at present", await refused.ErrorAsync(), StringComparison.Ordinal);
        Assert.Equal("1", refused.Headers.GetValues("Retry-After").Single());
        using var call = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        using var others = await admin.SubmitAsync("digits");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Accepted), (call.StatusCode, others.StatusCode));
        await Wait.UntilAsync(async () => !(await EnabledAsync(client)).Contains("jobs"));

        using var removed = await admin.DeleteAsync("/v1/features/jobs", Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        await UntilAsync(() => client.SubmitAsync("digits"), HttpStatusCode.Accepted);
    }

    [Fact]
    public async Task Flag_is_set_read_and_removed()
    {
        using var client = platform.Admin();
        var name = $"own-{Guid.NewGuid():N}";
        await SetAsync(client, name, new { enabled = true, tenants = new[] { "a", "b" }, description = "for two" });

        using var read = await client.GetAsync($"/v1/features/{name}", Cancellation);
        var flag = await read.JsonAsync();
        Assert.Equal((true, 0, "for two"), (flag.GetProperty("enabled").GetBoolean(), flag.GetProperty("percentage").GetDouble(),
            flag.GetProperty("description").GetString()));
        Assert.Equal(["a", "b"], flag.GetProperty("tenants").Deserialize<string[]>()!);
        using var list = await client.GetAsync("/v1/features", Cancellation);
        var names = (await list.JsonAsync()).GetProperty("features")
            .EnumerateArray().Select(f => f.GetProperty("name").GetString()).ToList();
        Assert.Superset(new HashSet<string?> { name, "jobs", "response-cache", "shadow-traffic" }, names.ToHashSet());

        using var removed = await client.DeleteAsync($"/v1/features/{name}", Cancellation);
        using var again = await client.DeleteAsync($"/v1/features/{name}", Cancellation);
        using var gone = await client.GetAsync($"/v1/features/{name}", Cancellation);
        Assert.Equal(
            (HttpStatusCode.NoContent, HttpStatusCode.NotFound, HttpStatusCode.NotFound),
            (removed.StatusCode, again.StatusCode, gone.StatusCode));
    }

    [Theory]
    [InlineData("enabled", """{"enabled":true}""", "name")]
    [InlineData("Upper", """{"enabled":true}""", "name")]
    [InlineData("1st", """{"enabled":true}""", "name")]
    [InlineData("fine", "", "body")]
    [InlineData("fine", "[]", "body")]
    [InlineData("fine", """{"enabled":true,"audience":1}""", "body")]
    [InlineData("fine", "{}", "enabled")]
    [InlineData("fine", """{"enabled":true,"percentage":101}""", "percentage")]
    [InlineData("fine", """{"enabled":true,"percentage":-1}""", "percentage")]
    [InlineData("fine", """{"enabled":true,"tenants":[""]}""", "tenants")]
    [InlineData("fine", """{"enabled":true,"tenants":[null]}""", "tenants")]
    [InlineData("fine", """{"enabled":true,"excluded_tenants":["\u0000"]}""", "excluded_tenants")]
    [InlineData("fine", """{"enabled":true,"description":"\u0000"}""", "description")]
    public async Task Bad_flag_is_refused_by_its_field(string name, string body, string field)
    {
        using var client = platform.Admin();
        using var response = await client.PutAsync($"/v1/features/{name}", Digits.Json(body), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(field, Assert.Single((await response.JsonAsync()).GetProperty("errors").EnumerateObject()).Name);
    }

    private static async Task SetAsync(HttpClient admin, string name, object flag)
    {
        using var response = await admin.PutAsJsonAsync($"/v1/features/{name}", flag, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private static async Task<string[]> EnabledAsync(HttpClient client)
    {
        using var response = await client.GetAsync("/v1/features/enabled", Cancellation);
        return (await response.JsonAsync()).GetProperty("features").Deserialize<string[]>()!;
    }

    private static async Task<HttpResponseMessage> UntilAsync(Func<Task<HttpResponseMessage>> send, HttpStatusCode status)
    {
        var wait = Wait.For($"an answer with the status {status}");
        while (true)
        {
            var response = await send();
            if (response.StatusCode == status)
            {
                return response;
            }

            response.Dispose();
            await wait.PauseAsync();
        }
    }
}
