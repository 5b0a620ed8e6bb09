using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;
using Tests.Offline.Redis;

namespace Tests.Offline.AspireClients;

public sealed class RedisClientTests(RedisServer server) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task Client_connects_to_the_named_connection_string()
    {
        using var app = Build(("ConnectionStrings:redis", Address));

        var redis = app.Services.GetRequiredService<IConnectionMultiplexer>();
        await redis.GetDatabase().StringSetAsync("key", "value");

        Assert.Equal("value", await redis.GetDatabase().StringGetAsync("key"));
        Assert.Same(redis, app.Services.GetRequiredService<IConnectionMultiplexer>());
    }

    [Fact]
    public async Task Settings_come_from_the_section_and_then_the_named_section()
    {
        using var app = Build(
            ("Aspire:StackExchange:Redis:ConnectionString", "nowhere:1"),
            ("Aspire:StackExchange:Redis:redis:ConnectionString", Address),
            ("Aspire:StackExchange:Redis:ConfigurationOptions:ClientName", "from-configuration"));

        Assert.Equal("from-configuration", app.Services.GetRequiredService<IConnectionMultiplexer>().ClientName);
    }

    [Fact]
    public async Task Delegates_have_the_last_word()
    {
        using var app = Build(
            builder => builder.AddRedisClient(
                "redis", settings => settings.ConnectionString = Address, options => options.ClientName = "from-code"),
            ("ConnectionStrings:redis", "nowhere:1"));

        Assert.Equal("from-code", app.Services.GetRequiredService<IConnectionMultiplexer>().ClientName);
    }

    [Fact]
    public async Task Missing_connection_string_is_named()
    {
        using var app = Build();

        var missing = Assert.Throws<InvalidOperationException>(() => app.Services.GetRequiredService<IConnectionMultiplexer>());

        Assert.Contains("'ConnectionStrings:redis'", missing.Message, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(app)).Status);
    }

    [Fact]
    public async Task Client_recovers_when_redis_comes_later()
    {
        var late = new RedisServer();
        using var app = Build(("ConnectionStrings:redis", $"127.0.0.1:{late.Port},connectTimeout=500"));
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(app)).Status);

        await late.InitializeAsync();
        try
        {
            while ((await CheckAsync(app)).Status != HealthStatus.Healthy)
            {
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }
        finally
        {
            await late.DisposeAsync();
        }
    }

    [Fact]
    public async Task Health_check_is_registered_once_and_can_be_disabled()
    {
        using var twice = Build(
            builder =>
            {
                builder.AddRedisClient("redis");
                builder.AddRedisClient("redis");
            },
            ("ConnectionStrings:redis", Address));
        using var none = Build(builder => builder.AddRedisClient("redis", settings => settings.DisableHealthChecks = true));

        Assert.Equal(["StackExchange.Redis"], (await CheckAsync(twice)).Entries.Keys);
        Assert.Null(none.Services.GetService<HealthCheckService>());
    }

    private string Address => $"127.0.0.1:{server.Port}";

    private static Task<HealthReport> CheckAsync(IHost app) =>
        app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken);

    private static IHost Build(params (string Key, string Value)[] configuration) =>
        Build(builder => builder.AddRedisClient("redis"), configuration);

    private static IHost Build(Action<HostApplicationBuilder> configure, params (string Key, string Value)[] configuration)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration.AddInMemoryCollection(configuration.Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value)));
        configure(builder);
        return builder.Build();
    }
}
