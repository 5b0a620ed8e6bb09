using System.Security.Claims;

namespace Tests.Offline.JwtBearer;

public sealed class TokenTests
{
    [Fact]
    public async Task Valid_token_authenticates_and_its_claims_get_their_long_names()
    {
        await using var app = await ProtectedApp.WithSecretAsync();

        var claims = await app.ClaimsAsync(HandMadeToken.Hmac(HandMadeToken.Claims(("role", new[] { "admin", "user" }))));

        Assert.Contains($"{ClaimTypes.NameIdentifier}=ada", claims);
        Assert.Contains($"{ClaimTypes.Role}=admin", claims);
        Assert.Contains($"{ClaimTypes.Role}=user", claims);
    }

    [Fact]
    public async Task Claims_keep_their_names_when_not_mapped()
    {
        await using var app = await ProtectedApp.WithSecretAsync(options => options.MapInboundClaims = false);

        Assert.Contains("sub=ada", await app.ClaimsAsync(HandMadeToken.Hmac(HandMadeToken.Claims())));
    }

    [Fact]
    public async Task Call_without_a_token_is_told_the_scheme_only()
    {
        await using var app = await ProtectedApp.WithSecretAsync();

        Assert.Equal((401, "Bearer"), await app.TryAsync(token: null));
    }

    public static TheoryData<string, string, string> Refused()
    {
        var past = DateTimeOffset.UtcNow.AddHours(-1);
        var future = DateTimeOffset.UtcNow.AddHours(1);
        var valid = HandMadeToken.Hmac(HandMadeToken.Claims());
        return new()
        {
            { "expired", HandMadeToken.Hmac(HandMadeToken.Claims(("exp", past.ToUnixTimeSeconds()))), $"The token expired at '{past:MM/dd/yyyy HH:mm:ss}'" },
            {
                "not yet valid",
                HandMadeToken.Hmac(HandMadeToken.Claims(("nbf", future.ToUnixTimeSeconds()), ("exp", future.AddHours(1).ToUnixTimeSeconds()))),
                $"The token is not valid before '{future:MM/dd/yyyy HH:mm:ss}'"
            },
            { "no expiration", HandMadeToken.Hmac(HandMadeToken.Claims(("exp", null))), "The token has no expiration" },
            { "another audience", HandMadeToken.Hmac(HandMadeToken.Claims(("aud", "billing"))), "The audience 'billing' is invalid" },
            { "no audience", HandMadeToken.Hmac(HandMadeToken.Claims(("aud", null))), "The audience" },
            { "another issuer", HandMadeToken.Hmac(HandMadeToken.Claims(("iss", "https://evil.test"))), "The issuer 'https://evil.test' is invalid" },
            { "no issuer", HandMadeToken.Hmac(HandMadeToken.Claims(("iss", null))), "The issuer" },
            { "another key", HandMadeToken.Hmac(HandMadeToken.Claims(), secret: new byte[32]), "The signature" },
            { "another algorithm", HandMadeToken.Hmac(HandMadeToken.Claims(), "HS384"), "The signature" },
            { "no algorithm", HandMadeToken.Hmac(HandMadeToken.Claims(), "none"), "The signature is invalid" },
            { "no signature", valid[..(valid.LastIndexOf('.') + 1)], "The signature is invalid" },
            { "other claims under the same signature", Swap(valid, HandMadeToken.Hmac(HandMadeToken.Claims(("sub", "eve")))), "The signature" },
            { "not a token", "abc.def.ghi", "" },
        };
    }

    [Theory]
    [MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public async Task Token_is_refused_for(string reason, string token, string description)
    {
        await using var app = await ProtectedApp.WithSecretAsync();

        var (status, challenge) = await app.TryAsync(token);

        Assert.True(status == 401, $"{reason}: {status}");
        Assert.StartsWith("Bearer error=\"invalid_token\"", challenge, StringComparison.Ordinal);
        Assert.True(challenge.Contains(description, StringComparison.Ordinal), challenge);
    }

    [Fact]
    public async Task Challenge_separates_its_own_parameters_by_a_comma()
    {
        await using var app = await ProtectedApp.WithSecretAsync(options => options.Challenge = "Bearer realm=\"inference\"");

        var (_, challenge) = await app.TryAsync(HandMadeToken.Hmac(HandMadeToken.Claims(("aud", "x"))));

        Assert.Equal("Bearer realm=\"inference\", error=\"invalid_token\", error_description=\"The audience 'x' is invalid\"", challenge);
    }

    [Fact]
    public async Task Reasons_are_kept_back_when_error_details_are_off()
    {
        await using var app = await ProtectedApp.WithSecretAsync(options => options.IncludeErrorDetails = false);

        Assert.Equal((401, "Bearer"), await app.TryAsync(HandMadeToken.Hmac(HandMadeToken.Claims(("aud", "x")))));
    }

    [Fact]
    public async Task Caller_without_the_role_is_forbidden()
    {
        await using var app = await ProtectedApp.WithSecretAsync();

        Assert.Equal(403, (await app.TryAsync(HandMadeToken.Hmac(HandMadeToken.Claims(("role", "user"))), "/admin")).Status);
        Assert.Equal(200, (await app.TryAsync(HandMadeToken.Hmac(HandMadeToken.Claims(("role", "admin"))), "/admin")).Status);
    }

    [Fact]
    public async Task Token_is_kept_in_the_properties_unless_told_not_to()
    {
        var token = HandMadeToken.Hmac(HandMadeToken.Claims());
        await using var keeps = await ProtectedApp.WithSecretAsync();
        await using var forgets = await ProtectedApp.WithSecretAsync(options => options.SaveToken = false);

        Assert.Equal(token, await (await keeps.GetAsync("/token", token)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Empty(await (await forgets.GetAsync("/token", token)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Options_audience_is_used_where_the_parameters_name_none()
    {
        await using var app = await ProtectedApp.WithSecretAsync(options =>
        {
            options.TokenValidationParameters.ValidAudience = null;
            options.Audience = "billing";
        });

        Assert.Equal(200, (await app.TryAsync(HandMadeToken.Hmac(HandMadeToken.Claims(("aud", "billing"))))).Status);
        Assert.Equal(401, (await app.TryAsync(HandMadeToken.Hmac(HandMadeToken.Claims()))).Status);
    }

    private static string Swap(string token, string claimsOf)
    {
        var parts = token.Split('.');
        return $"{parts[0]}.{claimsOf.Split('.')[1]}.{parts[2]}";
    }
}
