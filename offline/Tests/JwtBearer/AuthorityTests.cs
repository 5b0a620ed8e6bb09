using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Tests.Offline.JwtBearer;

public sealed class AuthorityTests
{
    [Fact]
    public async Task Keys_of_the_authority_validate_its_tokens_and_are_fetched_once()
    {
        await using var authority = await Authority.StartAsync();
        await using var app = await StartAsync(authority);

        var tokens = Enumerable.Range(0, 8).Select(_ => app.TryAsync(authority.Token()));

        Assert.All(await Task.WhenAll(tokens), answer => Assert.Equal(200, answer.Status));
        Assert.Equal(200, (await app.TryAsync(HandMadeToken.Ecdsa(
            HandMadeToken.Claims(("iss", authority.Address)), authority.CurveKey, "curve"))).Status);
        Assert.Equal(1, authority.Fetches);
    }

    [Fact]
    public async Task Token_of_another_issuer_or_audience_is_refused()
    {
        await using var authority = await Authority.StartAsync();
        await using var app = await StartAsync(authority);

        var (status, challenge) = await app.TryAsync(authority.Token(("iss", "https://evil.test")));

        Assert.Equal(401, status);
        Assert.Contains("The issuer 'https://evil.test' is invalid", challenge, StringComparison.Ordinal);
        Assert.Equal(401, (await app.TryAsync(authority.Token(("aud", "billing")))).Status);
    }

    [Fact]
    public async Task Public_key_is_no_hmac_secret()
    {
        await using var authority = await Authority.StartAsync();
        await using var app = await StartAsync(authority);
        var claims = HandMadeToken.Claims(("iss", authority.Address));

        foreach (var secret in new[] { authority.Key.ExportRSAPublicKey(), authority.Key.ExportSubjectPublicKeyInfo() })
        {
            Assert.Equal(401, (await app.TryAsync(HandMadeToken.Hmac(claims, secret: secret))).Status);
        }

        Assert.Equal(401, (await app.TryAsync(HandMadeToken.Hmac(claims, "none"))).Status);
    }

    [Fact]
    public async Task New_key_is_fetched_when_first_seen_but_unknown_keys_cannot_cause_a_flood()
    {
        await using var authority = await Authority.StartAsync();
        var time = new Clock();
        await using var app = await StartAsync(authority, options => options.TimeProvider = time);
        Assert.Equal(200, (await app.TryAsync(authority.Token())).Status);

        authority.ChangeKey("second");
        Assert.Equal(200, (await app.TryAsync(authority.Token())).Status);
        Assert.Equal(2, authority.Fetches);

        authority.ChangeKey("third");
        Assert.Equal(401, (await app.TryAsync(authority.Token())).Status);
        Assert.Equal(2, authority.Fetches);

        time.Now += TimeSpan.FromMinutes(5);
        Assert.Equal(200, (await app.TryAsync(authority.Token())).Status);
        Assert.Equal(3, authority.Fetches);
    }

    [Fact]
    public async Task Keys_at_hand_serve_on_while_the_authority_is_down()
    {
        await using var authority = await Authority.StartAsync();
        var time = new Clock();
        await using var app = await StartAsync(authority, options => options.TimeProvider = time);
        var token = authority.Token(("exp", DateTimeOffset.UtcNow.AddDays(2).ToUnixTimeSeconds()));
        Assert.Equal(200, (await app.TryAsync(token)).Status);

        authority.Broken = true;
        time.Now += TimeSpan.FromHours(13);

        Assert.Equal(200, (await app.TryAsync(token)).Status);
        Assert.Equal(200, (await app.TryAsync(token)).Status);
        Assert.Equal(2, authority.Fetches);
    }

    [Fact]
    public async Task Authority_down_from_the_start_is_an_error_and_is_asked_again_by_the_next_call()
    {
        await using var authority = await Authority.StartAsync();
        authority.Broken = true;
        await using var app = await StartAsync(authority);
        Assert.Equal(500, (await app.TryAsync(authority.Token())).Status);

        authority.Broken = false;

        Assert.Equal(200, (await app.TryAsync(authority.Token())).Status);
    }

    [Fact]
    public void Authority_without_https_is_refused_unless_allowed()
    {
        var services = new ServiceCollection();
        services.AddAuthentication().AddJwtBearer(options => options.Authority = "http://issuer.test");
        using var provider = services.BuildServiceProvider();
        var options = provider.GetRequiredService<IOptionsMonitor<JwtBearerOptions>>();

        var refused = Assert.Throws<InvalidOperationException>(() => options.Get(JwtBearerDefaults.AuthenticationScheme));

        Assert.Contains("RequireHttpsMetadata=false", refused.Message, StringComparison.Ordinal);
    }

    private static Task<ProtectedApp> StartAsync(Authority authority, Action<JwtBearerOptions>? configure = null) =>
        ProtectedApp.StartAsync(options =>
        {
            options.Authority = authority.Address;
            options.Audience = HandMadeToken.Audience;
            options.RequireHttpsMetadata = false;
            configure?.Invoke(options);
        });

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UtcNow;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
