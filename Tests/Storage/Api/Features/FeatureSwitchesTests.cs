using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Features;
using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.FeatureManagement;
using Npgsql;

namespace InferenceTemplate.Tests.Storage;

public sealed class FeatureSwitchesTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Feature_of_the_product_is_on_until_somebody_says_otherwise()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);

        Assert.True(await IsOnAsync(database, FeatureNames.ResponseCache, "acme"));
        Assert.False(await IsOnAsync(database, "unheard-of", "acme"));
        await SetAsync(database, Flag(FeatureNames.ResponseCache, enabled: false));
        Assert.False(await IsOnAsync(database, FeatureNames.ResponseCache, "acme"));
        Assert.True(await database.Get<FeatureStore>().RemoveAsync(FeatureNames.ResponseCache, "tester", Tenant.DefaultId, Cancellation));
        await database.Get<FeatureDefinitions>().RefreshAsync(Cancellation);
        Assert.True(await IsOnAsync(database, FeatureNames.ResponseCache, "acme"));
    }

    [Fact]
    public async Task Feature_is_for_the_tenants_that_are_named_and_for_a_share_of_the_others()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await SetAsync(database, Flag("named", percentage: 0, tenants: ["acme"]));
        await SetAsync(database, Flag("without", percentage: 100, excluded: ["acme"]));
        await SetAsync(database, Flag("share", percentage: 30));

        Assert.Equal((true, false), (await IsOnAsync(database, "named", "acme"), await IsOnAsync(database, "named", "other")));
        Assert.Equal((false, true), (await IsOnAsync(database, "without", "acme"), await IsOnAsync(database, "without", "other")));
        var on = 0;
        for (var i = 0; i < 1_000; i++)
        {
            var first = await IsOnAsync(database, "share", $"tenant{i}");
            Assert.Equal(first, await IsOnAsync(database, "share", $"tenant{i}"));
            on += first ? 1 : 0;
        }

        // By a hash of the names: the same thousand gives the same share each time.
        Assert.InRange(on, 250, 350);
        Assert.Equal(["jobs", "named", "response-cache", "shadow-traffic"],
            (await database.Get<FeatureSwitches>().AllAsync("acme")).Except(["share"]));
    }

    [Fact]
    public async Task Change_by_one_replica_reaches_another_and_holds_while_the_database_is_away()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var other = database.Replica();
        var refresh = other.GetRequiredService<FeatureRefresh>();
        await refresh.StartAsync(Cancellation);
        await SetAsync(database, Flag("kill", percentage: 0, tenants: ["acme"]));

        // Not with the library's words only: by IFeatureManager too.
        var switches = other.GetRequiredService<FeatureSwitches>();
        await Wait.UntilAsync(async () => await switches.IsOnAsync("kill", "acme"));

        await database.OpenAsync(false);
        await Assert.ThrowsAnyAsync<Exception>(() => other.GetRequiredService<FeatureDefinitions>().RefreshAsync(Cancellation));
        Assert.True(await switches.IsOnAsync("kill", "acme"));
        Assert.False(await switches.IsOnAsync("kill", "other"));
        Assert.True(await switches.IsOnAsync(FeatureNames.Jobs, "acme"));
        Assert.True(await other.GetRequiredService<IFeatureManager>().IsEnabledAsync(FeatureNames.Jobs));
        await database.OpenAsync(true);
        await refresh.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Change_and_its_audit_entry_are_one()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await SetAsync(database, Flag("kill", enabled: false));
        Assert.Equal("feature.changed kill", await LastAsync(database));

        await database.ExecuteAsync("ALTER TABLE audit_entries RENAME TO elsewhere");
        await Assert.ThrowsAsync<PostgresException>(
            () => database.Get<FeatureStore>().RemoveAsync("kill", "tester", Tenant.DefaultId, Cancellation));
        await database.ExecuteAsync("ALTER TABLE elsewhere RENAME TO audit_entries");

        Assert.Equal("kill", Assert.Single(await database.Get<FeatureStore>().AllAsync(Cancellation)).Name);
        Assert.True(await database.Get<FeatureStore>().RemoveAsync("kill", "tester", Tenant.DefaultId, Cancellation));
        Assert.Equal("feature.removed kill", await LastAsync(database));
        Assert.True((await database.Get<AuditVerifier>().VerifyAsync(null, Cancellation)).Valid);
    }

    [Fact]
    public async Task Flags_are_bounded()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await database.ExecuteAsync(
            $"INSERT INTO feature_flags (name, enabled, percentage, updated_at) SELECT 'f' || n, true, 100, now() FROM generate_series(1, {FeatureStore.MaxFlags}) n");

        Assert.False(await database.Get<FeatureStore>().SetAsync(Flag("more"), "tester", Tenant.DefaultId, Cancellation));
        Assert.True(await database.Get<FeatureStore>().SetAsync(Flag("f1"), "tester", Tenant.DefaultId, Cancellation));
    }

    private static Task<string> LastAsync(OwnDatabase database) =>
        database.ScalarAsync<string>("SELECT action || ' ' || subject FROM audit_entries ORDER BY sequence DESC LIMIT 1");

    private static FeatureFlag Flag(
        string name, bool enabled = true, double percentage = 100, string[]? tenants = null, string[]? excluded = null) =>
        new()
        {
            Name = name,
            Enabled = enabled,
            Percentage = percentage,
            Tenants = tenants,
            ExcludedTenants = excluded,
            UpdatedAt = DateTimeOffset.UtcNow
        };

    private static async Task SetAsync(OwnDatabase database, FeatureFlag flag)
    {
        Assert.True(await database.Get<FeatureStore>().SetAsync(flag, "tester", Tenant.DefaultId, Cancellation));
        await database.Get<FeatureDefinitions>().RefreshAsync(Cancellation);
    }

    private static async Task<bool> IsOnAsync(OwnDatabase database, string feature, string tenant) =>
        await database.Get<FeatureSwitches>().IsOnAsync(feature, tenant);
}
