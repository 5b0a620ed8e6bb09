using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>The life of API keys, by the API.</summary>
public sealed class KeyTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Key_is_made_shown_once_found_and_revoked()
    {
        using var admin = platform.Admin();
        var (created, key) = await admin.CreateKeyAsync("user");
        var (id, prefix) = (created.GetProperty("id").GetGuid(), created.GetProperty("prefix").GetString()!);
        Assert.Matches(@"^[0-9A-Za-z]{12}_[0-9A-Za-z]{43}\z", key);
        Assert.StartsWith($"{prefix}_", key, StringComparison.Ordinal);
        Assert.Equal("First admin key", created.GetProperty("created_by").GetString());

        using var client = platform.WithKey(key);
        await ExpectAsync(HttpStatusCode.OK, client.GetAsync("/v1/overview", Cancellation));
        using var got = await admin.GetAsync($"/v1/keys/{id}", Cancellation);
        using var listed = await admin.GetAsync($"/v1/keys?prefix={prefix[..8]}", Cancellation);
        var shown = await got.JsonAsync();
        var list = await listed.JsonAsync();
        Assert.Equal("active", shown.GetProperty("state").GetString());
        Assert.False(shown.TryGetProperty("key", out _));
        Assert.DoesNotContain(key.Split('_')[1], list.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(id, Assert.Single(list.GetProperty("keys").EnumerateArray()).GetProperty("id").GetGuid());

        using var revoked = await admin.PostAsync($"/v1/keys/{id}/revoke", null, Cancellation);
        using var again = await admin.PostAsync($"/v1/keys/{id}/revoke", null, Cancellation);
        using var refused = await KeyCalls.UntilRefusedAsync(client, "/v1/overview");
        var ended = await revoked.JsonAsync();
        Assert.Equal("revoked", ended.GetProperty("state").GetString());
        Assert.Equal(
            ended.GetProperty("revoked_at").GetDateTimeOffset(),
            (await again.JsonAsync()).GetProperty("revoked_at").GetDateTimeOffset(),
            TimeSpan.FromMicroseconds(10));
        Assert.Equal("the API key has been revoked", (await refused.JsonAsync()).GetProperty("detail").GetString());
        Assert.Contains("error=\"invalid_token\"", refused.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rotated_key_goes_on_beside_its_successor_until_the_overlap_is_over()
    {
        using var admin = platform.Admin();
        var (created, key) = await admin.CreateKeyAsync("service", models: ["digits"]);
        var id = created.GetProperty("id").GetGuid();

        using var rotation = await RotateAsync(admin, id, """{"overlap":"01:00:00"}""");
        var successor = await rotation.JsonAsync();

        Assert.Equal(HttpStatusCode.Created, rotation.StatusCode);
        Assert.Equal($"/v1/keys/{successor.GetProperty("id").GetGuid()}", rotation.Headers.Location!.ToString());
        Assert.Equal(id, successor.GetProperty("replaces").GetGuid());
        Assert.Equal("service", successor.GetProperty("role").GetString());
        Assert.Equal("digits", successor.GetProperty("models")[0].GetString());
        Assert.Equal(JsonValueKind.Null, successor.GetProperty("expires_at").ValueKind);
        using var old = platform.WithKey(key);
        using var current = platform.WithKey(successor.GetProperty("key").GetString()!);
        await ExpectAsync(HttpStatusCode.OK, old.GetAsync("/v2", Cancellation));
        await ExpectAsync(HttpStatusCode.OK, current.GetAsync("/v2", Cancellation));
        using var got = await admin.GetAsync($"/v1/keys/{id}", Cancellation);
        var overlap = (await got.JsonAsync()).GetProperty("expires_at")
            .GetDateTimeOffset() - successor.GetProperty("created_at").GetDateTimeOffset();
        Assert.Equal(1, overlap.TotalHours, 0.001);
        await ExpectAsync(HttpStatusCode.Conflict, RotateAsync(admin, id, ""));
    }

    [Fact]
    public async Task Rotation_goes_on_for_a_day_unless_it_says_otherwise_and_keeps_the_length_of_life()
    {
        using var admin = platform.Admin();
        var (created, _) = await admin.CreateKeyAsync("service", expiresAt: DateTimeOffset.UtcNow.AddDays(10));

        using var rotation = await RotateAsync(admin, created.GetProperty("id").GetGuid(), "");
        var successor = await rotation.JsonAsync();
        using var got = await admin.GetAsync($"/v1/keys/{created.GetProperty("id").GetGuid()}", Cancellation);

        var now = successor.GetProperty("created_at").GetDateTimeOffset();
        Assert.Equal(24, ((await got.JsonAsync()).GetProperty("expires_at").GetDateTimeOffset() - now).TotalHours, 0.001);
        Assert.Equal(10, (successor.GetProperty("expires_at").GetDateTimeOffset() - now).TotalDays, 0.01);
    }

    [Fact]
    public async Task Key_that_lasts_to_the_end_of_time_is_rotated_to_one_that_does()
    {
        using var admin = platform.Admin();
        var end = new DateTimeOffset(9999, 12, 31, 23, 59, 59, TimeSpan.Zero);
        var (created, _) = await admin.CreateKeyAsync("service", expiresAt: end);
        var id = created.GetProperty("id").GetGuid();
        await platform.ExecuteAsync($"UPDATE api_keys SET created_at = created_at - interval '2 days' WHERE id = '{id}'");

        using var rotation = await RotateAsync(admin, id, "");

        Assert.Equal(HttpStatusCode.Created, rotation.StatusCode);
        Assert.Equal(end, (await rotation.JsonAsync()).GetProperty("expires_at").GetDateTimeOffset());
    }

    [Fact]
    public async Task Rotation_without_overlap_ends_the_old_key_at_once()
    {
        using var admin = platform.Admin();
        var (created, key) = await admin.CreateKeyAsync("service");
        using var old = platform.WithKey(key);
        await ExpectAsync(HttpStatusCode.OK, old.GetAsync("/v2", Cancellation));

        using var rotation = await RotateAsync(admin, created.GetProperty("id").GetGuid(), """{"overlap":"00:00:00"}""");

        using var current = platform.WithKey((await rotation.JsonAsync()).GetProperty("key").GetString()!);
        using var refused = await KeyCalls.UntilRefusedAsync(old, "/v2");
        await ExpectAsync(HttpStatusCode.OK, current.GetAsync("/v2", Cancellation));
    }

    [Fact]
    public async Task Two_rotations_at_once_make_one_successor()
    {
        using var admin = platform.Admin();
        var (created, _) = await admin.CreateKeyAsync("service");
        var id = created.GetProperty("id").GetGuid();

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => RotateAsync(admin, id, "")));

        Assert.Single(answers, a => a.StatusCode == HttpStatusCode.Created);
        Assert.All(answers.Where(a => a.StatusCode != HttpStatusCode.Created), a => Assert.Equal(HttpStatusCode.Conflict, a.StatusCode));
        foreach (var answer in answers)
        {
            answer.Dispose();
        }
    }

    [Fact]
    public async Task First_admin_key_is_not_rotated_but_by_the_configuration()
    {
        using var admin = platform.Admin();
        using var listed = await admin.GetAsync("/v1/keys?prefix=admin", Cancellation);
        var id = Assert.Single((await listed.JsonAsync()).GetProperty("keys").EnumerateArray()).GetProperty("id").GetGuid();

        using var refused = await RotateAsync(admin, id, "");

        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Contains("Auth:AdminSecret", (await refused.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"role":"user"}""", "name")]
    [InlineData("""{"name":"","role":"user"}""", "name")]
    [InlineData("""{"name":null,"role":"user"}""", "name")]
    [InlineData("""{"name":"n","role":"root"}""", "role")]
    [InlineData("""{"name":"n","role":"user","tenant":"nobody"}""", "tenant")]
    [InlineData("""{"name":"n","role":"user","models":[]}""", "models")]
    [InlineData("""{"name":"n","role":"user","models":["a b"]}""", "models")]
    [InlineData("""{"name":"n","role":"user","models":[null]}""", "models")]
    [InlineData("""{"name":"n","role":"user","expires_at":"2020-01-01T00:00:00Z"}""", "expires_at")]
    [InlineData("""{"name":"n","role":"user","model":["digits"]}""", "model")]
    [InlineData("""{"name":"n","role":"user","expires_at":"soon"}""", "expires_at")]
    [InlineData("""{"name":"n","role":"user","expires_at":"11/12/2099"}""", "a time such as 2026-11-01")]
    [InlineData("""{"name":"n","role":"user","role":"admin"}""", "Duplicate property 'role'")]
    [InlineData("", "body")]
    [InlineData("null", "body")]
    [InlineData("[]", "body")]
    public async Task Wrong_request_for_a_key_names_the_field(string body, string field)
    {
        using var admin = platform.Admin();

        using var refused = await admin.PostAsync("/v1/keys", Digits.Json(body), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains(field, await refused.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"overlap":"31.00:00:00"}""")]
    [InlineData("""{"overlap":"-00:00:01"}""")]
    [InlineData("""{"overlap":"a while"}""")]
    public async Task Wrong_overlap_is_refused(string body)
    {
        using var admin = platform.Admin();
        var (created, _) = await admin.CreateKeyAsync("service");

        using var refused = await RotateAsync(admin, created.GetProperty("id").GetGuid(), body);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.True((await refused.JsonAsync()).GetProperty("errors").TryGetProperty("overlap", out _));
    }

    [Fact]
    public async Task Keys_are_listed_by_tenant_page_by_page()
    {
        await using var database = await TestKeys.OpenAsync(platform);
        var tenant = await database.AddTenantAsync();
        using var admin = platform.Admin();
        var made = new List<Guid>();
        for (var n = 0; n < 5; n++)
        {
            made.Add((await admin.CreateKeyAsync("service", tenant)).Answer.GetProperty("id").GetGuid());
        }

        var found = new List<Guid>();
        var cursor = "";
        do
        {
            using var response = await admin.GetAsync($"/v1/keys?tenant={tenant}&limit=2{cursor}", Cancellation);
            var page = await response.JsonAsync();
            found.AddRange(page.GetProperty("keys").EnumerateArray().Select(k => k.GetProperty("id").GetGuid()));
            cursor = page.GetProperty("next_cursor").GetString() is { } next ? $"&cursor={next}" : "";
        }
        while (cursor.Length > 0);

        // Two of one millisecond may stand in either order.
        Assert.Equal(made.Order(), found.Order());
        await ExpectAsync(HttpStatusCode.BadRequest, admin.GetAsync("/v1/keys?limit=0", Cancellation));
        await ExpectAsync(HttpStatusCode.BadRequest, admin.GetAsync("/v1/keys?cursor=nonsense", Cancellation));
        await ExpectAsync(HttpStatusCode.NotFound, admin.GetAsync($"/v1/keys/{Guid.NewGuid()}", Cancellation));
        await ExpectAsync(HttpStatusCode.NotFound, admin.PostAsync($"/v1/keys/{Guid.NewGuid()}/revoke", null, Cancellation));
        await ExpectAsync(HttpStatusCode.NotFound, RotateAsync(admin, Guid.NewGuid(), ""));
    }

    [Fact]
    public async Task Token_ends_with_its_key()
    {
        using var admin = platform.Admin();
        var (created, key) = await admin.CreateKeyAsync("user");
        using var client = platform.WithKey(await TokenAsync(key));
        await ExpectAsync(HttpStatusCode.OK, client.GetAsync("/v2", Cancellation));

        await ExpectAsync(HttpStatusCode.OK, admin.PostAsync($"/v1/keys/{created.GetProperty("id").GetGuid()}/revoke", null, Cancellation));

        using var refused = await KeyCalls.UntilRefusedAsync(client, "/v2");
        Assert.StartsWith("the API key has been revoked", await refused.ErrorAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("suspended_at", "is suspended")]
    [InlineData("deleted_at", "has been deleted")]
    public async Task Key_and_token_of_a_tenant_end_with_it_and_come_back_with_it(string column, string reason)
    {
        await using var database = await TestKeys.OpenAsync(platform);
        var tenant = await database.AddTenantAsync();
        using var admin = platform.Admin();
        var (_, key) = await admin.CreateKeyAsync("user", tenant);
        using var withKey = platform.WithKey(key);
        using var withToken = platform.WithKey(await TokenAsync(key));
        await ExpectAsync(HttpStatusCode.OK, withKey.GetAsync("/v2", Cancellation));
        await ExpectAsync(HttpStatusCode.OK, withToken.GetAsync("/v2", Cancellation));

        await database.ExecuteAsync($"UPDATE tenants SET {column} = now() WHERE id = $1", tenant);
        using var keyRefused = await KeyCalls.UntilRefusedAsync(withKey, "/v2");
        using var tokenRefused = await KeyCalls.UntilRefusedAsync(withToken, "/v2");
        Assert.Contains(reason, await keyRefused.ErrorAsync(), StringComparison.Ordinal);
        Assert.Contains(reason, await tokenRefused.ErrorAsync(), StringComparison.Ordinal);

        await database.ExecuteAsync($"UPDATE tenants SET {column} = NULL WHERE id = $1", tenant);
        foreach (var client in (HttpClient[])[withKey, withToken])
        {
            HttpStatusCode status;
            var wait = Wait.For("the tenant's credentials to be accepted again");
            do
            {
                using var response = await client.GetAsync("/v2", Cancellation);
                status = response.StatusCode;
                await wait.PauseAsync();
            }
            while (status != HttpStatusCode.OK);
        }
    }

    private static Task<HttpResponseMessage> RotateAsync(HttpClient admin, Guid id, string body) =>
        admin.PostAsync($"/v1/keys/{id}/rotate", Digits.Json(body), Cancellation);

    private static async Task ExpectAsync(HttpStatusCode expected, Task<HttpResponseMessage> call)
    {
        using var response = await call;
        Assert.Equal(expected, response.StatusCode);
    }

    private async Task<string> TokenAsync(string key)
    {
        using var client = platform.WithKey(key);
        using var issued = await client.PostAsync("/v1/auth/token", null, Cancellation);
        return (await issued.JsonAsync()).GetProperty("access_token").GetString()!;
    }
}
