using System.Net;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class AuthenticationTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string?> WrongKeys => new()
    {
        (string?)null,
        "",
        "nonsense",
        "admin_",
        "admin_wrong",
        "_secret",
        $"A{Platform.AdminKey[1..]}",
        $"un{Platform.AdminKey}",
        Platform.AdminKey[..^1],
        $"{Platform.AdminKey}0",
        new string('x', 5000),
        // alg: none
        "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4iLCJ0ZW5hbnQiOiJkZWZhdWx0IiwiZXhwIjo0MTAyNDQ0ODAwfQ.",
    };

    [Theory]
    [MemberData(nameof(WrongKeys))]
    public async Task Infer_answers_401_when_the_key_is_missing_or_wrong(string? key)
    {
        using var client = platform.Anonymous();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/models/digits/infer");
        request.Content = Digits.Request([Digits.HeldOut[0].Pixels]);
        if (key is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        }

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Contains("API key", await response.ErrorAsync(), StringComparison.Ordinal);
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.First().Scheme);
    }

    [Theory]
    [InlineData("GET", "/v2")]
    [InlineData("GET", "/v2/models/digits")]
    [InlineData("GET", "/v2/models/digits/ready")]
    [InlineData("POST", "/v2/models/digits/versions/1/infer")]
    [InlineData("POST", "/v1/auth/token")]
    [InlineData("GET", "/v1/overview")]
    [InlineData("GET", "/health/detailed")]
    public async Task Endpoint_answers_401_without_credentials(string method, string path)
    {
        using var client = platform.Anonymous();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Key_is_accepted_in_either_header()
    {
        using var client = platform.Anonymous();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2");
        request.Headers.Add("X-API-Key", Platform.AdminKey);

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Key_is_exchanged_for_a_token_that_works_and_that_is_exchanged_no_further()
    {
        using var client = platform.Admin();
        using var issued = await client.PostAsync("/v1/auth/token", null, Cancellation);
        var token = await issued.JsonAsync();
        Assert.Equal("Bearer", token.GetProperty("token_type").GetString());
        Assert.Equal("admin", token.GetProperty("role").GetString());
        Assert.Equal("default", token.GetProperty("tenant").GetString());
        Assert.InRange(token.GetProperty("expires_in").GetInt32(), 60, 3600);

        using var withToken = platform.WithKey(token.GetProperty("access_token").GetString()!);
        using var infer = await withToken.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        using var overview = await withToken.GetAsync("/v1/overview", Cancellation);
        using var again = await withToken.PostAsync("/v1/auth/token", null, Cancellation);

        Assert.Equal(HttpStatusCode.OK, infer.StatusCode);
        Assert.Equal(HttpStatusCode.OK, overview.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, again.StatusCode);
    }

    [Fact]
    public async Task Token_is_refused_when_a_character_of_it_is_changed()
    {
        using var client = platform.Admin();
        using var issued = await client.PostAsync("/v1/auth/token", null, Cancellation);
        var token = (await issued.JsonAsync()).GetProperty("access_token").GetString()!;
        var parts = token.Split('.');
        var forged = $"{parts[0]}.{parts[1][..^2]}{(parts[1][^2] == 'A' ? 'B' : 'A')}{parts[1][^1]}.{parts[2]}";

        using var withToken = platform.WithKey(forged);
        using var response = await withToken.GetAsync("/v2", Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Theory]
    [InlineData("service", "/v2/models/digits", HttpStatusCode.OK)]
    [InlineData("service", "/v1/overview", HttpStatusCode.Forbidden)]
    [InlineData("service", "/health/detailed", HttpStatusCode.Forbidden)]
    [InlineData("user", "/v1/overview", HttpStatusCode.OK)]
    [InlineData("user", "/health/detailed", HttpStatusCode.Forbidden)]
    [InlineData("admin", "/health/detailed", HttpStatusCode.OK)]
    public async Task Role_decides_what_a_key_may_do(string role, string path, HttpStatusCode expected)
    {
        await using var keys = await TestKeys.OpenAsync(platform);
        using var client = platform.WithKey(await keys.CreateAsync(role));

        using var response = await client.GetAsync(path, Cancellation);

        Assert.Equal(expected, response.StatusCode);
    }

    // What was said of a key and an endpoint is remembered for a second.
    [Fact]
    public async Task Key_that_was_let_in_opens_nothing_to_others_and_nothing_else()
    {
        using var admin = platform.Admin();
        var (_, key) = await admin.CreateKeyAsync("service", models: ["digits"]);
        using var client = platform.WithKey(key);
        using var guesser = platform.WithKey($"{key[..^1]}{(key[^1] == '0' ? '1' : '0')}");
        using var token = platform.WithKey($"{key}.a.b");
        for (var i = 0; i < 20; i++)
        {
            await ExpectAsync(HttpStatusCode.OK, client, "/v2/models/digits");
            await ExpectAsync(HttpStatusCode.OK, client, "/v2/models/digits");

            await ExpectAsync(HttpStatusCode.Unauthorized, guesser, "/v2/models/digits");
            await ExpectAsync(HttpStatusCode.Unauthorized, token, "/v2/models/digits");
            await ExpectAsync(HttpStatusCode.NotFound, client, "/v2/models/another");
            await ExpectAsync(HttpStatusCode.Forbidden, client, "/v1/overview");
        }
    }

    [Fact]
    public async Task Key_is_refused_once_revoked_or_expired()
    {
        await using var keys = await TestKeys.OpenAsync(platform);
        var key = await keys.CreateAsync("user");
        var expired = await keys.CreateAsync("user", expiresAt: DateTimeOffset.UtcNow.AddMinutes(-1));
        using var client = platform.WithKey(key);
        using var withExpired = platform.WithKey(expired);
        using var before = await client.GetAsync("/v2", Cancellation);
        using var tooLate = await withExpired.GetAsync("/v2", Cancellation);

        await keys.RevokeAsync(key);

        // The lookup is remembered for a second, on each replica.
        HttpStatusCode after;
        var wait = Wait.For("the revoked key to be refused");
        do
        {
            using var response = await client.GetAsync("/v2", Cancellation);
            after = response.StatusCode;
            await wait.PauseAsync();
        }
        while (after == HttpStatusCode.OK);

        Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, tooLate.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, after);
    }

    private static async Task ExpectAsync(HttpStatusCode expected, HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, Cancellation);
        Assert.Equal(expected, response.StatusCode);
    }
}
