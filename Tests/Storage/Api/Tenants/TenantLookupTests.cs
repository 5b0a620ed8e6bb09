using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Tests.Storage;

public sealed class TenantLookupTests(Servers servers)
{
    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Limit_that_is_null_is_the_platforms_and_zero_is_none()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var bare = await services.CreateAsync();
        var own = await services.CreateAsync(new TenantSettings { RequestsPerMinute = 0, MaxConcurrency = 3, PriorityCeiling = "low" });

        var (first, second) = (await services.AccountAsync(bare.Id), await services.AccountAsync(own.Id));

        Assert.Equal(new TenantLimits(100, 100, 64, 0, 0, AllowOverdraft: false, PriorityCeiling: null), first.Limits);
        Assert.Equal(new TenantLimits(0, 0, 3, 0, 0, AllowOverdraft: false, Priority.Low), second.Limits);
    }

    [Fact]
    public async Task Default_tenant_has_no_limits()
    {
        await using var services = await TenantServices.StartAsync(servers);

        Assert.Equal(TenantLimits.None, (await services.AccountAsync("default")).Limits);
    }

    [Fact]
    public async Task Change_of_limits_is_seen_after_a_second_and_not_asked_for_before()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var tenant = await services.CreateAsync(new TenantSettings { RequestsPerMinute = 5 });
        var lookup = services.New<TenantLookup>();
        Assert.Equal(5, (await lookup.FindAsync(tenant.Id, Stopping)).Limits.RequestsPerMinute);

        await services.Store.UpdateAsync(tenant.Id, present => (present with { RequestsPerMinute = 6 }, null), new("test", null), Stopping);

        await Wait.UntilAsync(async () => (await lookup.FindAsync(tenant.Id, Stopping)).Limits.RequestsPerMinute == 6);
    }

    [Fact]
    public async Task Last_known_limits_hold_on_while_postgres_is_away()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var tenant = await services.CreateAsync(new TenantSettings { RequestsPerMinute = 5 });
        var time = new JumpingTime();
        var database = NpgsqlDataSource.Create(servers.ConnectionString);
        var lookup = new TenantLookup(database, Options.Create(new TenantOptions()), time, NullLogger<TenantLookup>.Instance);
        Assert.Equal(5, (await lookup.FindAsync(tenant.Id, Stopping)).Limits.RequestsPerMinute);

        await database.DisposeAsync();
        for (var i = 0; i < 3; i++)
        {
            time.Jump(TimeSpan.FromSeconds(2));
            Assert.Equal(5, (await lookup.FindAsync(tenant.Id, Stopping)).Limits.RequestsPerMinute);
        }

        await Assert.ThrowsAnyAsync<Exception>(async () => await lookup.FindAsync("never-seen", Stopping));
    }

    /// <summary>The real clock, put forward by a test.</summary>
    private sealed class JumpingTime : TimeProvider
    {
        private long _ticks;

        public void Jump(TimeSpan by) => _ticks += (long)(by.TotalSeconds * TimestampFrequency);

        public override long GetTimestamp() => base.GetTimestamp() + _ticks;
    }
}
