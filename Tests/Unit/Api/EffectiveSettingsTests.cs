using System.Text.Json;
using InferenceTemplate.Api.Settings;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class EffectiveSettingsTests
{
    private const string Secret = "seven-hidden-otters-swim-under-the-old-stone-bridge";

    [Fact]
    public async Task Settings_have_no_secret_whatever_is_configured()
    {
        await using var api = new ApiInProcess();
        await using var configured = api.WithWebHostBuilder(builder =>
        {
            foreach (var key in (string[])
            [
                "Auth:ApiKeyPepper", "Auth:JwtSigningKey", "Auth:AdminSecret", "Auth:Jwt:SigningKey", "Auth:Jwt:Issuer",
                "Auth:Jwt:Audience",
                "Direct:Secret", "Direct:Host", "Scaling:Token", "Artifacts:AccessKey", "Artifacts:SecretKey", "Artifacts:Bucket",
                "Artifacts:Prefix", "Tokens:Anything",
            ])
            {
                builder.UseSetting(key, $"{Secret}-{key.Length}-{key[^1]}");
            }

            builder.UseSetting("ConnectionStrings:inference", $"Host=unused;Password={Secret}");
            builder.UseSetting("ConnectionStrings:redis", $"unused:1,abortConnect=false,password={Secret}");
            builder.UseSetting("OTEL_EXPORTER_OTLP_HEADERS", $"x-key={Secret}");
            builder.UseSetting("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://{Secret}:{Secret}@127.0.0.1:9/{Secret}?token={Secret}");
        });

        var groups = configured.Services.GetRequiredService<EffectiveSettings>().Groups().ToList();

        Assert.DoesNotContain(Secret, JsonSerializer.Serialize(groups), StringComparison.OrdinalIgnoreCase);
        var all = groups.SelectMany(group => group.Settings).ToDictionary(setting => setting.Key, StringComparer.Ordinal);
        Assert.Equal("given", all["Direct:Secret"].Value);
        Assert.Equal("http://127.0.0.1:9", all["OTEL_EXPORTER_OTLP_ENDPOINT"].Value);
    }

    [Fact]
    public async Task Setting_tells_its_value_its_default_and_what_sets_it()
    {
        await using var api = new ApiInProcess();
        await using var configured = api.WithWebHostBuilder(builder =>
        {
            builder.UseSetting("Queue:MaxDepth", "77");
            builder.UseSetting("Queue:VisibilityTime", "00:00:11");
        });

        var all = configured.Services.GetRequiredService<EffectiveSettings>().Groups().SelectMany(group => group.Settings)
            .ToDictionary(setting => setting.Key, StringComparer.Ordinal);

        Assert.Equal(
            ("77", "1000", "Queue__MaxDepth"),
            (all["Queue:MaxDepth"].Value, all["Queue:MaxDepth"].Default, all["Queue:MaxDepth"].Variable));
        Assert.NotEqual("default", all["Queue:MaxDepth"].Source);
        Assert.Equal(("00:00:11", "time"), (all["Queue:VisibilityTime"].Value, all["Queue:VisibilityTime"].Unit));
        Assert.Equal(("1000", "default"), (all["Queue:MaxDeadLetters"].Value, all["Queue:MaxDeadLetters"].Source));
        Assert.Equal("missing", all["Direct:Secret"].Value);
    }
}
