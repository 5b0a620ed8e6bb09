using Aspire.Hosting.Testing;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Storage;

public sealed class RedisSettingsTests(Servers servers)
{
    [Fact]
    public async Task Eviction_is_told_and_the_redis_of_the_app_host_evicts_nothing()
    {
        var options = ConfigurationOptions.Parse(
            (await servers.App.GetConnectionStringAsync("redis", TestContext.Current.CancellationToken))!);
        options.AllowAdmin = true;
        await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
        var server = redis.GetServers()[0];
        Assert.Null(await RedisSettings.EvictionAsync(redis.GetDatabase()));

        // Nothing is evicted meanwhile: it has no maxmemory.
        await server.ConfigSetAsync("maxmemory-policy", "allkeys-lru");
        try
        {
            Assert.Equal("allkeys-lru", await RedisSettings.EvictionAsync(redis.GetDatabase()));
        }
        finally
        {
            await server.ConfigSetAsync("maxmemory-policy", "noeviction");
        }
    }
}
