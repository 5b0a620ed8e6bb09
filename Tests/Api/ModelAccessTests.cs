using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>Whoever may not use a model gets the answers that there would be without it.</summary>
public sealed class ModelAccessTests(Platform platform)
{
    private const string Absent = "absent-from-everywhere";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Endpoints => new()
    {
        { "GET", "/v2/models/{m}" },
        { "GET", "/v2/models/{m}/versions/1" },
        { "GET", "/v2/models/{m}/ready" },
        { "GET", "/v2/models/{m}/versions/1/ready" },
        { "POST", "/v2/models/{m}/infer" },
        { "POST", "/v2/models/{m}/versions/1/infer" },
        { "JOB", "/v2/models/{m}/infer" },
        { "GET", "/v1/models/{m}" },
        { "GET", "/v1/models/{m}/versions" },
        { "GET", "/v1/models/{m}/versions/1" },
        { "GET", "/v1/models/{m}/events" },
        { "GET", "/v1/models/{m}/traffic" },
        { "GET", "/v1/models/{m}/traffic/status" },
    };

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task Model_outside_the_keys_scope_is_answered_as_if_it_did_not_exist(string method, string path)
    {
        using var admin = platform.Admin();
        var (_, key) = await admin.CreateKeyAsync("user", models: ["another"]);
        using var scoped = platform.WithKey(key);

        using var hidden = await SendAsync(scoped, method, path, "digits");
        using var absent = await SendAsync(admin, method, path, Absent);

        Assert.Equal(absent.StatusCode, hidden.StatusCode);
        Assert.Equal(absent.Content.Headers.ContentType, hidden.Content.Headers.ContentType);
        Assert.Equal(await TextAsync(absent, Absent), await TextAsync(hidden, "digits"));
    }

    [Fact]
    public async Task Model_of_the_keys_scope_is_served_and_the_others_are_not_listed()
    {
        using var admin = platform.Admin();
        var (_, key) = await admin.CreateKeyAsync("user", models: ["digits", "another"]);
        using var client = platform.WithKey(key);
        var other = await UploadedModel.WithVersionsAsync(admin, 1);

        // A replica hears of a new model a moment later.
        await Wait.UntilAsync(
            async () => (await admin.GetStringAsync("/v1/overview", Cancellation)).Contains(other, StringComparison.Ordinal));

        using var infer = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        using var models = await client.GetAsync("/v1/models", Cancellation);
        using var index = await client.PostAsync("/v2/repository/index", null, Cancellation);
        using var overview = await client.GetAsync("/v1/overview", Cancellation);
        using var served = await client.GetAsync("/v2/models", Cancellation);
        using var statistics = await client.GetAsync("/v2/models/stats", Cancellation);

        Assert.Equal(HttpStatusCode.OK, infer.StatusCode);
        Assert.Equal(["digits"], Names((await models.JsonAsync()).GetProperty("models")));
        Assert.Equal(["digits"], Names(await index.JsonAsync()));
        Assert.Equal(["digits"], (await served.JsonAsync()).GetProperty("models").EnumerateArray().Select(m => m.GetString()));
        Assert.Equal(["digits"], Names((await statistics.JsonAsync()).GetProperty("model_stats")));
        var shown = await overview.JsonAsync();
        Assert.Equal(["digits"], Names(shown.GetProperty("models")));
        Assert.DoesNotContain(other, shown.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Jobs_and_batches_of_models_outside_the_keys_scope_are_not_there()
    {
        var tenant = await TestTenant.CreateAsync(platform);
        using var whole = await tenant.ClientAsync();
        using var admin = platform.Admin();
        var (_, key) = await admin.CreateKeyAsync("user", tenant.Id, ["another"]);
        using var scoped = platform.WithKey(key);
        using var accepted = await whole.SubmitAsync("digits");
        var job = (await accepted.JsonAsync()).GetProperty("id").GetGuid();
        await whole.EndedAsync(job);
        var batch = await whole.AcceptBatchAsync([BatchCalls.Line(0, "a")]);
        await whole.BatchEndedAsync(batch);

        (string Method, string Path)[] paths =
        [
            ("GET", $"/v1/jobs/{job}"), ("GET", $"/v1/jobs/{job}/result"), ("GET", $"/v1/jobs/{job}/events"),
            ("POST", $"/v1/jobs/{job}/cancel"), ("POST", $"/v1/jobs/{job}/retry"), ("DELETE", $"/v1/jobs/{job}"),
            ("GET", $"/v1/batches/{batch}"), ("GET", $"/v1/batches/{batch}/output"), ("GET", $"/v1/batches/{batch}/errors"),
            ("GET", $"/v1/batches/{batch}/events"), ("POST", $"/v1/batches/{batch}/cancel"), ("DELETE", $"/v1/batches/{batch}"),
        ];
        foreach (var (method, path) in paths)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            using var answer = await scoped.SendAsync(request, Cancellation);
            Assert.True(answer.StatusCode == HttpStatusCode.NotFound, $"{method} {path}: {answer.StatusCode}");
        }

        Assert.Equal("""{"jobs":[],"next_cursor":null}""", await scoped.GetStringAsync("/v1/jobs", Cancellation));
        Assert.Equal("""{"batches":[],"next_cursor":null}""", await scoped.GetStringAsync("/v1/batches", Cancellation));
        Assert.Equal([job], await whole.IdsAsync(""));
        Assert.Single(await whole.FileAsync(batch, "output"));
    }

    [Fact]
    public async Task Usage_of_models_outside_the_keys_scope_is_not_told()
    {
        var tenant = await TestTenant.CreateAsync(platform);
        using var admin = platform.Admin();
        var (_, key) = await admin.CreateKeyAsync("service", tenant.Id, ["another"]);
        using var scoped = platform.WithKey(key);
        using var whole = await tenant.ClientAsync("service");
        using var infer = await whole.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        Assert.Equal(HttpStatusCode.OK, infer.StatusCode);
        await Wait.UntilAsync(async () =>
            (await whole.GetStringAsync("/v1/usage?group=model,version", Cancellation)).Contains("digits", StringComparison.Ordinal));

        using var usage = await scoped.GetAsync("/v1/usage?group=model,version", Cancellation);
        using var statement = await scoped.GetAsync("/v1/usage/statement", Cancellation);

        var told = await usage.JsonAsync();
        Assert.Empty(told.GetProperty("usage").EnumerateArray());
        Assert.Equal(0, told.GetProperty("total").GetProperty("requests").GetInt64());
        Assert.Equal(HttpStatusCode.OK, statement.StatusCode);
        Assert.DoesNotContain("digits", await statement.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Contains("digits", await whole.GetStringAsync("/v1/usage/statement", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_is_refused_to_a_key_that_is_narrower_than_its_tenant()
    {
        var tenant = await TestTenant.CreateAsync(platform);
        using var admin = platform.Admin();
        var (_, narrow) = await admin.CreateKeyAsync("user", tenant.Id, ["another"]);
        var (_, narrowAdmin) = await admin.CreateKeyAsync("admin", models: ["another"]);
        using var scoped = platform.WithKey(narrow);
        using var scopedAdmin = platform.WithKey(narrowAdmin);
        using var whole = await tenant.ClientAsync();
        using var accepted = await whole.SubmitAsync("digits");
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);

        using var own = await scoped.GetAsync("/v1/export", Cancellation);
        using var others = await scopedAdmin.GetAsync($"/v1/tenants/{tenant.Id}/export", Cancellation);
        using var before = await whole.GetAsync("/v1/export", Cancellation);

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (own.StatusCode, others.StatusCode));
        Assert.Contains("for some only", await own.ProblemAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        // What the tenant has lost was its own: a key with all that is left still gets it.
        await tenant.PatchAsync("""{"models":["another"]}""");
        await Wait.UntilAsync(async () =>
        {
            using var hidden = await whole.GetAsync("/v2/models/digits", Cancellation);
            return hidden.StatusCode == HttpStatusCode.NotFound;
        });
        using var after = await whole.GetAsync("/v1/export", Cancellation);
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    [Fact]
    public async Task Key_opens_no_model_that_its_tenant_does_not_have()
    {
        await using var database = await TestKeys.OpenAsync(platform);
        var tenant = await database.AddTenantAsync(["another"]);
        using var admin = platform.Admin();
        var (_, broad) = await admin.CreateKeyAsync("user", tenant);
        var (_, wrong) = await admin.CreateKeyAsync("user", tenant, ["digits"]);

        foreach (var key in (string[])[broad, wrong])
        {
            using var client = platform.WithKey(key);
            using var response = await client.GetAsync("/v2/models/digits", Cancellation);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }
    }

    [Fact]
    public async Task Token_opens_no_more_than_its_key_and_follows_its_tenant()
    {
        await using var database = await TestKeys.OpenAsync(platform);
        var tenant = await database.AddTenantAsync(["digits"]);
        using var admin = platform.Admin();
        var (_, key) = await admin.CreateKeyAsync("service", tenant);
        using var withKey = platform.WithKey(key);
        using var issued = await withKey.PostAsync("/v1/auth/token", null, Cancellation);
        using var withToken = platform.WithKey((await issued.JsonAsync()).GetProperty("access_token").GetString()!);
        using var before = await withToken.GetAsync("/v2/models/digits", Cancellation);

        await database.ExecuteAsync("UPDATE tenants SET models = '{another}' WHERE id = $1", tenant);

        Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        HttpStatusCode after;
        var wait = Wait.For("the model to be refused");
        do
        {
            using var response = await withToken.GetAsync("/v2/models/digits", Cancellation);
            after = response.StatusCode;
            await wait.PauseAsync();
        }
        while (after == HttpStatusCode.OK);

        Assert.Equal(HttpStatusCode.NotFound, after);
    }

    private static IEnumerable<string?> Names(JsonElement models) =>
        models.EnumerateArray().Select(m => m.GetProperty("name").GetString()).Distinct();

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, string method, string path, string model)
    {
        using var request = new HttpRequestMessage(
            method == "GET" ? HttpMethod.Get : HttpMethod.Post, path.Replace("{m}", model, StringComparison.Ordinal));
        request.Content = method == "GET" ? null : Digits.Request([Digits.HeldOut[0].Pixels]);
        if (method == "JOB")
        {
            request.Headers.Add("Prefer", "respond-async");
        }

        return await client.SendAsync(request, Cancellation);
    }

    // But for the name that was asked for, and the id of the request.
    private static async Task<string> TextAsync(HttpResponseMessage response, string model)
    {
        var text = (await response.Content.ReadAsStringAsync(Cancellation)).Replace(model, "{m}", StringComparison.Ordinal);
        var trace = text.IndexOf("\"traceId\"", StringComparison.Ordinal);
        return trace < 0 ? text : text[..trace];
    }
}
