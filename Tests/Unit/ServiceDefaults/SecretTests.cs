using InferenceTemplate.ServiceDefaults.Secrets;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Unit.ServiceDefaults;

public sealed class SecretTests
{
    private const string Good = "9f2c47d1b06e8a35c7d4f1908b2e6a53";

    [Theory]
    [InlineData("changemechangemechangeme", "different characters")]
    [InlineData("changeme-changeme-changeme-please", "well-known words")]
    [InlineData("please-change-this-secret-in-production", "well-known words")]
    [InlineData("my-super-secret-jwt-signing-key-12345", "well-known words")]
    [InlineData("PasswordPassword123456789012345", "well-known words")]
    [InlineData("correct-horse-battery-staple-secret", "well-known words")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "different characters")]
    [InlineData("abababababababababababababababab", "different characters")]
    [InlineData("kZ8wQ4xL2mkZ8wQ4xL2mkZ8wQ4xL2mkZ", "repeats itself")]
    [InlineData("abcdefghijklmnopqrstuvwxyz012345", "follows the alphabet")]
    public void Secret_that_can_be_guessed_has_a_weakness(string secret, string weakness) =>
        Assert.Contains(weakness, SecretStrength.WeaknessOf(secret), StringComparison.Ordinal);

    [Theory]
    [InlineData(Good)]
    [InlineData("q3LxV0m2TzRkW8yBtestPd7Hn5GsJcAf")]
    [InlineData("vN4+/bT9x1Qe7LzKq0sWm2Yc5RjUa8HgPd3FiOo=")]
    [InlineData("seven-quiet-herons-cross-a-frozen-lake")]
    public void Random_secret_has_none(string secret) => Assert.Null(SecretStrength.WeaknessOf(secret));

    [Theory]
    [InlineData("Auth:ApiKeyPepper")]
    [InlineData("Auth:JwtSigningKey")]
    [InlineData("Auth:AdminSecret")]
    [InlineData("Auth:Jwt:SigningKey")]
    [InlineData("Scaling:Token")]
    [InlineData("DataProtection:Secret")]
    public async Task Service_does_not_start_with_a_secret_that_can_be_guessed(string key)
    {
        const string Weak = "changeme-changeme-changeme-please";

        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => Service.StartAsync(settings: (key, Weak)));

        Assert.Contains(key, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("openssl rand", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Weak, refusal.Message, StringComparison.Ordinal);
        await using var development = await Service.StartAsync(environment: "Development", settings: (key, Weak));
        await using var good = await Service.StartAsync(settings: (key, Good));
    }

    [Fact]
    public async Task Every_one_of_several_secrets_is_looked_at() => await Assert.ThrowsAsync<OptionsValidationException>(() =>
        Service.StartAsync(settings: ("DataProtection:Secret", $"{Good},secretsecretsecretsecretsecretsecret")));
}
