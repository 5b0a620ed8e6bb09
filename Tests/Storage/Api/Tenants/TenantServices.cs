using System.Diagnostics.Metrics;
using InferenceTemplate.Api;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Api.Usage;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Storage;

/// <summary>Tenants over the real servers, with the schema applied.</summary>
internal sealed class TenantServices : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly Servers _servers;

    private TenantServices(Servers servers)
    {
        _servers = servers;
        _services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
            .AddSingleton(servers.Database)
            .AddSingleton(servers.Redis)
            .AddSlices()
            .BuildServiceProvider();
    }

    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    public TenantStore Store => Get<TenantStore>();

    public static async Task<TenantServices> StartAsync(Servers servers)
    {
        var services = new TenantServices(servers);
        await services.Get<SchemaMigrator>().MigrateAsync(Stopping);
        return services;
    }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>What a replica of its own has: nothing that another remembers.</summary>
    public T New<T>() => ActivatorUtilities.CreateInstance<T>(_services);

    public static string NewId() => $"t-{Guid.NewGuid():N}";

    /// <summary>An account that is not in the database.</summary>
    public static TenantAccount Account(
        int rate = 0, int burst = 0, int concurrency = 0, long inferences = 0, bool overdraft = false) => new(
        NewId(),
        new TenantLimits(rate, burst, concurrency, inferences, 0, overdraft, PriorityCeiling: null),
        TenantAccount.MonthOf(TimeProvider.System.GetUtcNow()),
        0,
        0);

    public async Task<Tenant> CreateAsync(TenantSettings? settings = null)
    {
        var id = NewId();
        var (tenant, problem) = await Store.CreateAsync(id, (settings ?? new()) with { Name = id }, new("test", null), Stopping);
        Assert.Null(problem);
        return tenant!;
    }

    public async Task<TenantAccount> AccountAsync(string tenant) => await New<TenantLookup>().FindAsync(tenant, Stopping);

    /// <summary>Of Redis' own clock, by which rates are counted.</summary>
    public static async Task<DateTime> NowAsync(IConnectionMultiplexer redis) => await redis.GetServer(redis.GetEndPoints()[0]).TimeAsync();

    public async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = _servers.Database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>Sums until a tenant has so many requests: a test beside this one may be at it, or have done it.</summary>
    public async Task<UsageRow> SumUntilAsync(string tenant, long requests)
    {
        var wait = Wait.For($"{requests} requests of {tenant} in the sums");
        while (true)
        {
            await Get<UsageSummation>().SumAsync(Stopping);
            var now = TimeProvider.System.GetUtcNow();
            if (await Get<UsageReport>()
                .ReadAsync(tenant, null, now.AddDays(-2), now.AddDays(1), new HashSet<UsageGroup>(), 10, Stopping) is [var sums]
                && sums.Requests >= requests)
            {
                return sums;
            }

            await wait.PauseAsync();
        }
    }

    public async ValueTask DisposeAsync() => await _services.DisposeAsync();
}

/// <summary>Adds up what a meter counts for one tenant, by its other tag.</summary>
internal sealed class TenantCounts : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);

    public TenantCounts(string instrument, string tenant, string tag)
    {
        _listener.InstrumentPublished = (published, listener) =>
        {
            if (published.Name == instrument)
            {
                listener.EnableMeasurementEvents(published);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            var named = tags.ToArray().ToDictionary(t => t.Key, t => (string?)t.Value, StringComparer.Ordinal);
            if (named["tenant"] == tenant)
            {
                lock (_counts)
                {
                    _counts[named[tag]!] = _counts.GetValueOrDefault(named[tag]!) + value;
                }
            }
        });
        _listener.Start();
    }

    public long this[string value]
    {
        get
        {
            lock (_counts)
            {
                return _counts.GetValueOrDefault(value);
            }
        }
    }

    public void Dispose() => _listener.Dispose();
}
