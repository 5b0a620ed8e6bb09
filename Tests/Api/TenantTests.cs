using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class TenantTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tenant_is_created_read_and_listed_with_the_limits_that_hold()
    {
        var tenant = await TestTenant.CreateAsync(
            platform, """
            "name":"Acme","requests_per_minute":7,"monthly_budget":12.5,"priority_ceiling":"normal"
            """);
        using var admin = platform.Admin();

        var read = await GetAsync(admin, $"/v1/tenants/{tenant.Id}");
        var page = await GetAsync(admin, $"/v1/tenants?limit=1&after={tenant.Id[..^1]}");

        Assert.Equal(("Acme", "active", 7, 12.5m, "normal"), (
            read.GetProperty("name").GetString(), read.GetProperty("state").GetString(), read.GetProperty("requests_per_minute").GetInt32(),
            read.GetProperty("monthly_budget").GetDecimal(), read.GetProperty("priority_ceiling").GetString()));
        Assert.Equal(JsonValueKind.Null, read.GetProperty("max_concurrency").ValueKind);
        var effective = read.GetProperty("effective");
        Assert.Equal((7, 7, 64), (
            effective.GetProperty("requests_per_minute")
                .GetInt32(), effective.GetProperty("burst").GetInt32(), effective.GetProperty("max_concurrency").GetInt32()));
        Assert.Equal(tenant.Id, Assert.Single(page.GetProperty("tenants").EnumerateArray()).GetProperty("id").GetString());
    }

    [Fact]
    public async Task Patch_changes_what_it_names_and_put_resets_what_it_does_not()
    {
        var tenant = await TestTenant.CreateAsync(
            platform, """
            "name":"Acme","requests_per_minute":7,"max_concurrency":3
            """);
        using var admin = platform.Admin();

        using var patched = await admin.PatchAsync(
            $"/v1/tenants/{tenant.Id}", Digits.Json("""{"max_concurrency":null,"models":["digits"]}"""), Cancellation);
        var afterPatch = await patched.JsonAsync();
        using var put = await admin.PutAsync($"/v1/tenants/{tenant.Id}", Digits.Json("""{"burst":5}"""), Cancellation);
        var afterPut = await put.JsonAsync();

        Assert.Equal((7, JsonValueKind.Null, "digits"), (
            afterPatch.GetProperty("requests_per_minute").GetInt32(), afterPatch.GetProperty("max_concurrency").ValueKind,
            Assert.Single(afterPatch.GetProperty("models").EnumerateArray()).GetString()));
        Assert.Equal(("Acme", JsonValueKind.Null, 5, JsonValueKind.Null), (
            afterPut.GetProperty("name")
                .GetString(), afterPut.GetProperty("requests_per_minute").ValueKind, afterPut.GetProperty("burst").GetInt32(),
            afterPut.GetProperty("models").ValueKind));
    }

    [Theory]
    [InlineData("""{"name":"x"}""", "id")]
    [InlineData("""{"id":"Not A Label"}""", "id")]
    [InlineData("""{"id":"me"}""", "id")]
    [InlineData("""{"id":"wrong-rate","requests_per_minute":-1}""", "requests_per_minute")]
    [InlineData("""{"id":"wrong-kind","burst":"many"}""", "burst")]
    [InlineData("""{"id":"misspelt","request_per_minute":1}""", "request_per_minute")]
    [InlineData("""{"id":"wrong-ceiling","priority_ceiling":"shadow"}""", "priority_ceiling")]
    [InlineData("""{"id":"twice","burst":1,"burst":2}""", "body")]
    [InlineData("[]", "body")]
    [InlineData("{", "body")]
    public async Task Wrong_settings_are_refused_by_name(string body, string field)
    {
        using var admin = platform.Admin();

        using var response = await admin.PostAsync("/v1/tenants", Digits.Json(body), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(field, (await response.JsonAsync()).GetProperty("detail").GetString()!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tenant_that_exists_is_a_conflict_and_one_that_does_not_is_not_found()
    {
        var tenant = await TestTenant.CreateAsync(platform);
        using var admin = platform.Admin();

        using var again = await admin.PostAsync("/v1/tenants", Digits.Json($$"""{"id":"{{tenant.Id}}"}"""), Cancellation);
        using var unknown = await admin.GetAsync("/v1/tenants/no-such", Cancellation);
        using var patched = await admin.PatchAsync("/v1/tenants/no-such", Digits.Json("{}"), Cancellation);
        using var ofDefault = await admin.PostAsync("/v1/tenants/default/suspend", null, Cancellation);

        Assert.Equal(
            [HttpStatusCode.Conflict, HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.Conflict],
            [again.StatusCode, unknown.StatusCode, patched.StatusCode, ofDefault.StatusCode]);
    }

    [Theory]
    [InlineData("GET", "/v1/tenants")]
    [InlineData("POST", "/v1/tenants")]
    [InlineData("GET", "/v1/tenants/default")]
    [InlineData("PATCH", "/v1/tenants/default")]
    [InlineData("PUT", "/v1/tenants/default")]
    [InlineData("DELETE", "/v1/tenants/default")]
    [InlineData("POST", "/v1/tenants/default/suspend")]
    [InlineData("POST", "/v1/tenants/default/resume")]
    public async Task Tenants_are_kept_by_admins_alone(string method, string path)
    {
        var tenant = await TestTenant.CreateAsync(platform);
        using var user = await tenant.ClientAsync();
        using var anonymous = platform.Anonymous();

        using var asUser = await user.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), Cancellation);
        using var asNobody = await anonymous.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), Cancellation);

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized), (asUser.StatusCode, asNobody.StatusCode));
    }

    [Theory]
    [InlineData("suspend")]
    [InlineData("delete")]
    public async Task Suspended_or_deleted_tenant_gets_no_work_done(string how)
    {
        var tenant = await TestTenant.CreateAsync(platform);
        using var client = await tenant.ClientAsync();
        using var before = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        using var admin = platform.Admin();
        using var changed = how == "delete"
            ? await admin.DeleteAsync($"/v1/tenants/{tenant.Id}", Cancellation)
            : await admin.PostAsync($"/v1/tenants/{tenant.Id}/suspend", null, Cancellation);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);

        // What is known of a tenant is remembered for a second.
        HttpStatusCode status;
        var wait = Wait.For("the tenant to be refused");
        while ((status = await InferAsync(client)) == HttpStatusCode.OK)
        {
            await wait.PauseAsync();
        }

        Assert.True(status is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized, $"{status}");
        if (how == "suspend")
        {
            using var resumed = await admin.PostAsync($"/v1/tenants/{tenant.Id}/resume", null, Cancellation);
            Assert.Equal("active", (await resumed.JsonAsync()).GetProperty("state").GetString());
            await Wait.UntilAsync(async () => await InferAsync(client) == HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task Tenant_reads_its_own_limits_and_what_it_has_used()
    {
        var tenant = await TestTenant.CreateAsync(
            platform, """
            "name":"Mine","requests_per_minute":1,"burst":9,"monthly_inferences":10
            """);
        using var client = await tenant.ClientAsync();
        Assert.Equal(HttpStatusCode.OK, await InferAsync(client));

        JsonElement own;
        var wait = Wait.For("the tenant's month to count its inference");
        do
        {
            own = await GetAsync(client, "/v1/tenants/me");
            await wait.PauseAsync();
        }
        while (own.GetProperty("month").GetProperty("inferences").GetInt64() == 0);

        Assert.Equal((tenant.Id, "Mine"), (own.GetProperty("id").GetString(), own.GetProperty("name").GetString()));
        Assert.Equal((1, 9, 10), (
            own.GetProperty("limits")
                .GetProperty("requests_per_minute").GetInt32(), own.GetProperty("limits").GetProperty("burst").GetInt32(),
            own.GetProperty("limits").GetProperty("monthly_inferences").GetInt32()));
        Assert.Equal((1, 0.1),
            (own.GetProperty("month").GetProperty("inferences").GetInt64(), own.GetProperty("month").GetProperty("used").GetDouble()));
        Assert.InRange(own.GetProperty("minute").GetProperty("remaining").GetInt64(), 8, 9);

        using var anonymous = platform.Anonymous();
        using var refused = await anonymous.GetAsync("/v1/tenants/me", Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact, Trait("Tier", "Nightly")]
    public async Task Tenants_can_be_kept_from_a_shell()
    {
        var id = $"t-{Guid.NewGuid():N}"[..20];

        var (created, first) = await RunAsync(
            "create", id, "--name", "From a shell", "--requests-per-minute", "30", "--models", "digits,idle");
        var (changed, second) = await RunAsync("set-limits", id, "--requests-per-minute", "default", "--burst", "4");
        var (suspended, third) = await RunAsync("suspend", id);
        var (refused, nothing) = await RunAsync("set-limits", id, "--burst", "-4");
        var (listed, lines) = await RunAsync("list");
        var (deleted, _) = await RunAsync("delete", id);
        var (shown, last) = await RunAsync("show", id);

        Assert.Equal((0, 0, 0, 1, 0, 0, 0), (created, changed, suspended, refused, listed, deleted, shown));
        Assert.Equal((30, 2), (Field(first, "requests_per_minute").GetInt32(), Field(first, "models").GetArrayLength()));
        Assert.Equal((JsonValueKind.Null, 4), (Field(second, "requests_per_minute").ValueKind, Field(second, "burst").GetInt32()));
        Assert.Equal("suspended", Field(third, "state").GetString());
        Assert.Empty(nothing);
        Assert.Contains(lines.Split('\n'), line => line.Contains(id, StringComparison.Ordinal));
        Assert.Equal("deleted", Field(last, "state").GetString());

        static JsonElement Field(string line, string name) => JsonDocument.Parse(line).RootElement.GetProperty(name);
    }

    private async Task<(int ExitCode, string Output)> RunAsync(params string[] verb)
    {
        // bin/{configuration}/{framework} are those of the tests.
        var parts = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar);
        var api = Path.Combine(Repository.Root, "Api", "bin", parts[^2], parts[^1], "InferenceTemplate.Api.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [api, "admin", "tenants", .. verb])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            Environment =
            {
                ["ConnectionStrings__redis"] = await platform.App.GetConnectionStringAsync("redis", Cancellation),
                ["ConnectionStrings__inference"] = await platform.App.GetConnectionStringAsync("inference", Cancellation),
            },
        })!;
        var output = await process.StandardOutput.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        return (process.ExitCode, output);
    }

    private static async Task<HttpStatusCode> InferAsync(HttpClient client)
    {
        using var response = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        return response.StatusCode;
    }

    private static async Task<JsonElement> GetAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, Cancellation);
        response.EnsureSuccessStatusCode();
        return await response.JsonAsync();
    }
}
