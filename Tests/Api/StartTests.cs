using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>What the Api does not start with.</summary>
public sealed class StartTests
{
    private const string Good = "forty-tall-poplars-shade-a-dusty-country-road";

    private static readonly string[] Secrets = ["Auth:ApiKeyPepper", "Auth:JwtSigningKey", "Auth:AdminSecret"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("k3Zq9xTw1")]
    [InlineData("changeme-changeme-changeme-please")]
    public async Task Api_does_not_start_without_secrets_and_names_each(string secret)
    {
        var said = await RefusalAsync([.. Secrets.Select(key => (key, secret))]);

        Assert.All(Secrets, key => Assert.Contains(key, said, StringComparison.Ordinal));
        Assert.Contains("openssl rand -hex 32", said, StringComparison.Ordinal);
        if (secret.Length > 0)
        {
            Assert.DoesNotContain(secret, said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Api_does_not_start_with_an_authority_over_http_or_without_an_audience()
    {
        var said = await RefusalAsync([.. Secrets.Select(key => (key, Good)), ("Auth:Jwt:Authority", "http://login.contoso.com")]);

        Assert.Contains("Auth:Jwt:Authority is 'http://login.contoso.com'", said, StringComparison.Ordinal);
        Assert.Contains("Auth:Jwt:Audience must be set", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Api_does_not_start_where_another_authority_has_its_own_signing_key()
    {
        var said = await RefusalAsync(
            [.. Secrets.Select(key => (key, Good)), ("Auth:Jwt:SigningKey", Good), ("Auth:Jwt:Audience", "inference")]);

        Assert.Contains("Auth:Jwt:SigningKey must not be Auth:JwtSigningKey", said, StringComparison.Ordinal);
        Assert.Contains("Auth:Jwt:Issuer must be set", said, StringComparison.Ordinal);
    }

    /// <summary>What it says as it ends.</summary>
    private static async Task<string> RefusalAsync((string Key, string Value)[] settings)
    {
        var (exitCode, output, error) = await ApiProcess.RunAsync(
            [],
            [
                ("ASPNETCORE_ENVIRONMENT", "Production"),
                ("ASPNETCORE_URLS", "http://127.0.0.1:0"),
                ("ConnectionStrings__inference", "Host=127.0.0.1;Port=1"),
                ("ConnectionStrings__redis", "127.0.0.1:1,abortConnect=false"),
                .. settings.Select(s => (s.Key.Replace(":", "__", StringComparison.Ordinal), s.Value)),
            ],
            Cancellation);
        Assert.NotEqual(0, exitCode);

        // Before it waits for servers, which may be away.
        Assert.DoesNotContain("StackExchange.Redis", output, StringComparison.Ordinal);
        return output + error;
    }
}
