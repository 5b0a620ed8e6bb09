using System.Net;
using System.Security.Cryptography;
using System.Text;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>Tokens and edges, against the Api in production mode.</summary>
public sealed class ProductionTests(ProductionApi api, Platform platform) : IClassFixture<ProductionApi>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static byte[] OwnKey => Encoding.UTF8.GetBytes(ProductionApi.SigningKey);

    [Fact]
    public async Task Token_of_the_authority_is_accepted_in_its_role()
    {
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(api.Authority.Token(), "/v1/models"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(api.Authority.Token(), "/v1/keys"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(api.Authority.Token(("role", "service")), "/v1/overview"));
        Assert.Equal(
            HttpStatusCode.OK, await StatusAsync(api.Authority.Token(("role", new[] { "other", "service", "admin" })), "/v1/keys"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(api.Authority.Token(("role", "owner")), "/v2"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(api.Authority.Token(("role", null)), "/v2"));
    }

    [Fact]
    public async Task Token_of_the_authority_is_exchanged_for_no_other() =>
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(api.Authority.Token(), "/v1/auth/token", HttpMethod.Post));

    [Theory]
    [InlineData("aud", "another-platform")]
    [InlineData("aud", null)]
    [InlineData("iss", "https://elsewhere.example")]
    [InlineData("iss", "inference-api")]
    [InlineData("iss", null)]
    [InlineData("exp", -120)]
    [InlineData("exp", null)]
    [InlineData("nbf", 3600)]
    [InlineData("org", "nobody")]
    [InlineData("org", null)]
    public async Task Token_of_the_authority_is_refused_with_a_wrong_claim(string claim, object? value)
    {
        var token = api.Authority.Token(
            (claim, value is int seconds ? DateTimeOffset.UtcNow.AddSeconds(seconds).ToUnixTimeSeconds() : value));

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(token));
    }

    [Fact]
    public async Task Token_of_the_authority_is_refused_without_its_signature()
    {
        using var strange = RSA.Create(2048);
        var claims = api.Authority.Claims(("role", "admin"));
        var parts = api.Authority.Token().Split('.');
        var better = api.Authority.Token(("role", "admin")).Split('.');

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(TestTokens.Hmac(claims, [], "none")));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(TestTokens.Hmac(claims, api.Authority.PublicKey)));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(TestTokens.Hmac(claims, OwnKey)));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(api.Authority.Token(strange, ("role", "admin"))));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync($"{parts[0]}.{better[1]}.{parts[2]}"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync($"{parts[0]}.{parts[1]}."));
    }

    [Fact]
    public async Task Tokens_of_a_shared_secret_are_accepted_where_one_is_set()
    {
        var secret = Encoding.UTF8.GetBytes(ProductionApi.SharedSecret);
        await using var other = await ApiProcess.StartAsync(
            [
                .. api.Settings,
                ("Auth__Jwt__Authority", ""),
                ("Auth__Jwt__SigningKey", ProductionApi.SharedSecret),
                ("Auth__Jwt__Issuer", "https://login.contoso.com"),
                ("Auth__Jwt__DefaultTenant", "default"),
            ],
            Cancellation);
        var claims = TestTokens.Claims(
            ("iss", "https://login.contoso.com"), ("aud", ProductionApi.Audience), ("sub", "ada"), ("role", "service"));

        Assert.Equal(HttpStatusCode.OK, await AskAsync(TestTokens.Hmac(claims, secret)));

        // The tenant of tokens that name none is not that of one whose claim is empty.
        var ofNobody = new Dictionary<string, object>(claims, StringComparer.Ordinal) { ["org"] = Array.Empty<string>() };
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(TestTokens.Hmac(ofNobody, secret)));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(TestTokens.Hmac(claims, secret, "HS384")));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(TestTokens.Hmac(claims, OwnKey)));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(TestTokens.Hmac(claims, [], "none")));
        claims["iss"] = "https://elsewhere.example";
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(TestTokens.Hmac(claims, secret)));

        async Task<HttpStatusCode> AskAsync(string token)
        {
            using var client = ProductionApi.Client(other.Url, token);
            using var response = await client.GetAsync("/v2", Cancellation);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task Authority_that_is_down_is_503_and_one_line_in_the_log()
    {
        var token = api.Authority.Token();
        await using var other = await ApiProcess.StartAsync(
            [.. api.Settings, ("Auth__Jwt__Authority", "http://127.0.0.1:1")], Cancellation);
        using var client = ProductionApi.Client(other.Url, token);

        using var response = await client.GetAsync("/v2", Cancellation);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Contains("the authority that signs tokens can't be reached", await response.ErrorAsync(), StringComparison.Ordinal);
        await Wait.UntilAsync(() => other.Output.Contains("the authority", StringComparison.Ordinal));
        var lines = other.Output.Split('\n')
            .Where(line => line.Contains("127.0.0.1:1/", StringComparison.Ordinal) || line.Contains("authority", StringComparison.Ordinal));
        Assert.Contains("was answered 503", Assert.Single(lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task First_admin_key_and_its_tokens_end_when_its_secret_is_changed()
    {
        const string Changed = "three-stout-ponies-haul-timber-up-the-ridge";
        await using var before = new ProductionApi(platform);
        await before.InitializeAsync();
        using var admin = before.Admin();
        using var issued = await admin.PostAsync("/v1/auth/token", null, Cancellation);
        using var withToken = before.Client((await issued.JsonAsync()).GetProperty("access_token").GetString());
        using var works = await withToken.GetAsync("/v2", Cancellation);
        Assert.Equal(HttpStatusCode.OK, works.StatusCode);

        await using var after = await ApiProcess.StartAsync([.. before.Settings, ("Auth__AdminSecret", Changed)], Cancellation);

        using var key = await KeyCalls.UntilRefusedAsync(admin, "/v2");
        using var token = await KeyCalls.UntilRefusedAsync(withToken, "/v2");
        using var changed = before.Client($"admin_{Changed}");
        using var worksNow = await changed.GetAsync("/v2", Cancellation);
        Assert.Equal(HttpStatusCode.OK, worksNow.StatusCode);
    }

    [Theory]
    [InlineData("a.b.c")]
    [InlineData("..")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e30.")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.bm90IGpzb24.c2ln")]
    public async Task What_only_looks_like_a_token_is_refused(string token) =>
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(token));

    [Fact]
    public async Task Models_that_the_authority_and_the_tenant_name_are_the_only_ones()
    {
        await api.ExecuteAsync("INSERT INTO tenants (id, name, created_at, models) VALUES ('narrow', 'Narrow', now(), '{one,two}')");
        using var admin = api.Admin();
        foreach (var model in (string[])["one", "two", "three"])
        {
            await UploadedModel.UploadAsync(admin, model, 1);
        }

        await AssertModelsAsync(api.Authority.Token(), ["one", "three", "two"]);
        await AssertModelsAsync(api.Authority.Token(("models", "two")), ["two"]);
        await AssertModelsAsync(api.Authority.Token(("models", new[] { "one", "three" })), ["one", "three"]);
        await AssertModelsAsync(api.Authority.Token(("org", "narrow")), ["one", "two"]);
        await AssertModelsAsync(api.Authority.Token(("org", "narrow"), ("models", new[] { "one", "three" })), ["one"]);
        await AssertModelsAsync(api.Authority.Token(("org", "narrow"), ("models", "three")), []);
        await AssertModelsAsync(api.Authority.Token(("models", Array.Empty<string>())), []);
        await AssertModelsAsync(api.Authority.Token(("models", "")), []);

        async Task AssertModelsAsync(string token, string[] expected)
        {
            using var client = api.Client(token);
            using var response = await client.GetAsync("/v1/models", Cancellation);
            Assert.Equal(expected,
                (await response.JsonAsync()).GetProperty("models").EnumerateArray().Select(m => m.GetProperty("name").GetString()));
        }
    }

    [Fact]
    public async Task Names_of_the_authoritys_callers_are_audited_with_their_tenant()
    {
        await api.ExecuteAsync("INSERT INTO tenants (id, name, created_at) VALUES ('audited', 'Audited', now())");
        await SendAsync("Ada, denied", "service", HttpMethod.Get, "/v1/requests", HttpStatusCode.Forbidden);
        await SendAsync(
            "Grace, of keys", "admin", HttpMethod.Post, "/v1/keys", HttpStatusCode.Created, """{"name":"x","role":"user"}""");
        await SendAsync(
            "Joan, of tenants", "admin", HttpMethod.Post, "/v1/tenants", HttpStatusCode.Created, """{"id":"made-by-joan"}""");

        await using var command = api.Database.CreateCommand(
            "SELECT string_agg(name, '; ' ORDER BY name) FROM audit_actors WHERE tenant_id = 'audited'");
        await Wait.UntilAsync(async () =>
            await command.ExecuteScalarAsync(Cancellation) is "Ada, denied; Grace, of keys; Joan, of tenants");

        async Task SendAsync(string name, string role, HttpMethod method, string path, HttpStatusCode expected, string? body = null)
        {
            using var client = api.Client(api.Authority.Token(("org", "audited"), ("name", name), ("role", role)));
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : Digits.Json(body) };
            using var response = await client.SendAsync(request, Cancellation);
            Assert.Equal(expected, response.StatusCode);
        }
    }

    [Fact]
    public async Task Idempotency_key_is_of_one_subject_of_the_authority()
    {
        var key = $"{Guid.NewGuid()}";

        var (ada, _) = await CreateKeyAsync(("sub", "ada"));
        var (again, replayed) = await CreateKeyAsync(("sub", "ada"), ("name", "Ada, renamed"));
        var (grace, others) = await CreateKeyAsync(("sub", "grace"), ("name", "ada"));
        var (nobody, one) = await CreateKeyAsync(("sub", null), ("jti", "1"));
        var (nobodyElse, another) = await CreateKeyAsync(("sub", null), ("jti", "2"));

        Assert.Equal(ada, again);
        Assert.True(replayed);
        Assert.Equal((false, false, false), (others, one, another));
        Assert.Equal(4, new HashSet<string>([ada, grace, nobody, nobodyElse], StringComparer.Ordinal).Count);

        async Task<(string Secret, bool IsReplayed)> CreateKeyAsync(params (string Name, object? Value)[] changes)
        {
            using var client = api.Client(api.Authority.Token([("role", "admin"), .. changes]));
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/keys");
            request.Content = Digits.Json("""{"name":"night","role":"service"}""");
            request.Headers.Add("Idempotency-Key", key);
            using var response = await client.SendAsync(request, Cancellation);
            Assert.Equal(HttpStatusCode.Created, response.StatusCode);
            return ((await response.JsonAsync()).GetProperty("key").GetString()!, response.Headers.Contains("Idempotency-Replayed"));
        }
    }

    [Theory]
    [InlineData("aud", "another-platform")]
    [InlineData("iss", "https://elsewhere.example")]
    [InlineData("exp", -120)]
    [InlineData("exp", null)]
    [InlineData("nbf", 3600)]
    [InlineData("key_id", null)]
    [InlineData("key_id", "nonsense")]
    [InlineData("key_id", "0199f1e2-0000-7000-8000-000000000000")]
    public async Task Own_token_is_refused_with_a_wrong_claim(string claim, object? value)
    {
        var claims = await OwnClaimsAsync();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(TestTokens.Hmac(claims, OwnKey)));

        var changed = value is int seconds ? DateTimeOffset.UtcNow.AddSeconds(seconds).ToUnixTimeSeconds() : value;
        _ = changed is null ? claims.Remove(claim) : claims[claim] = changed;

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(TestTokens.Hmac(claims, OwnKey)));
    }

    [Fact]
    public async Task Events_end_with_the_callers_token()
    {
        var id = Guid.CreateVersion7();
        await api.ExecuteAsync($"""
            INSERT INTO jobs (id, tenant_id, model, version, priority, state, attempt, max_attempts, progress, created_at, started_at,
                lease_until, deadline_at, cancel_requested, batch_size, compute_microseconds)
            VALUES ('{id}', 'default', 'one', '1', 2, 'running', 1, 3, 0, now(), now(),
                now() + interval '1 hour', now() + interval '1 hour', false, 0, 0)
            """);
        var claims = await OwnClaimsAsync();

        // Clocks may differ by half a minute.
        claims["exp"] = DateTimeOffset.UtcNow.AddSeconds(-20).ToUnixTimeSeconds();
        using var client = api.Client(TestTokens.Hmac(claims, OwnKey));
        using var response = await client.GetAsync($"/v1/jobs/{id}/events", HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));

        Assert.Equal("running", (await reader.NextEventAsync())!.Value.GetProperty("state").GetString());
        Assert.Null(await reader.NextEventAsync());
    }

    [Fact]
    public async Task Own_token_is_refused_with_another_algorithm_key_or_content()
    {
        var claims = await OwnClaimsAsync();
        var parts = TestTokens.Hmac(claims, OwnKey).Split('.');
        claims["exp"] = DateTimeOffset.UtcNow.AddHours(2).ToUnixTimeSeconds();
        var longer = TestTokens.Hmac(claims, OwnKey).Split('.');

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(TestTokens.Hmac(claims, OwnKey, "HS384")));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(TestTokens.Hmac(claims, [], "none")));
        Assert.Equal(HttpStatusCode.Unauthorized,
            await StatusAsync(TestTokens.Hmac(claims, Encoding.UTF8.GetBytes("another secret of thirty-two bytes"))));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync($"{parts[0]}.{longer[1]}.{parts[2]}"));
    }

    [Fact]
    public async Task Claims_of_an_own_token_give_no_more_than_its_key_has()
    {
        using var admin = api.Admin();
        var (_, key) = await admin.CreateKeyAsync("service");
        using var client = api.Client(key);
        using var issued = await client.PostAsync("/v1/auth/token", null, Cancellation);
        var keyId = TestKeys.ClaimOf((await issued.JsonAsync()).GetProperty("access_token").GetString()!, "key_id");

        var token = TestTokens.Hmac(TestTokens.Claims(
            ("iss", "inference-api"), ("aud", "inference"), ("key_id", keyId), ("role", "admin"), ("tenant", "default"),
            ("name", "nobody")), OwnKey);

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(token));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(token, "/v1/keys"));
    }

    [Fact]
    public async Task Answers_of_the_api_carry_the_security_headers_and_strict_transport_security_over_https()
    {
        using var client = api.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/models/digits");
        request.Headers.Add("X-Forwarded-Proto", "https");
        request.Headers.Host = "api.contoso.com";

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("max-age=31536000", response.Headers.GetValues("Strict-Transport-Security").Single());
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("default-src 'none'; frame-ancestors 'none'", response.Headers.GetValues("Content-Security-Policy").Single());
    }

    [Theory]
    [InlineData(ProductionApi.Origin, true)]
    [InlineData("https://evil.example", false)]
    public async Task Preflight_is_answered_for_the_origins_that_are_listed(string origin, bool allowed)
    {
        using var client = api.Client();
        using var request = new HttpRequestMessage(HttpMethod.Options, "/v2/models/digits/infer");
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type");

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(
            allowed ? origin : null, response.Headers.TryGetValues("Access-Control-Allow-Origin", out var told) ? told.Single() : null);
    }

    [Fact]
    public async Task Headers_beyond_the_limits_are_refused_by_the_api()
    {
        using var client = api.Client();
        using var many = new HttpRequestMessage(HttpMethod.Get, "/alive");
        foreach (var number in Enumerable.Range(0, 100))
        {
            many.Headers.Add($"X-{number}", "v");
        }

        using var large = new HttpRequestMessage(HttpMethod.Get, "/alive");
        large.Headers.Add("X-Large", new string('v', 33 << 10));

        using var tooMany = await client.SendAsync(many, Cancellation);
        using var tooLarge = await client.SendAsync(large, Cancellation);
        using var tooLong = await client.GetAsync("/alive?" + new string('q', 9 << 10), Cancellation);

        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, tooMany.StatusCode);
        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, tooLarge.StatusCode);
        Assert.Equal(HttpStatusCode.RequestUriTooLong, tooLong.StatusCode);
    }

    private async Task<Dictionary<string, object>> OwnClaimsAsync()
    {
        using var admin = api.Admin();
        using var issued = await admin.PostAsync("/v1/auth/token", null, Cancellation);
        var token = (await issued.JsonAsync()).GetProperty("access_token").GetString()!;
        return TestTokens.Claims(
            ("iss", "inference-api"), ("aud", "inference"), ("name", "First admin key"), ("role", "admin"), ("tenant", "default"),
            ("key_id", TestKeys.ClaimOf(token, "key_id")));
    }

    private async Task<HttpStatusCode> StatusAsync(string token, string path = "/v2", HttpMethod? method = null)
    {
        using var client = api.Client(token);
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path);
        using var response = await client.SendAsync(request, Cancellation);
        return response.StatusCode;
    }
}
