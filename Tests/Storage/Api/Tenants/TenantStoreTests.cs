using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

public sealed class TenantStoreTests(Servers servers)
{
    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Acme")]
    [InlineData("-acme")]
    [InlineData("acme-")]
    [InlineData("")]
    [InlineData("a_b")]
    [InlineData("acme\n")]
    [InlineData("me")]
    [InlineData("all")]
    [InlineData("other")]
    [InlineData("a234567890a234567890a234567890a234567890a234567890a234567890a2345")]
    public async Task Id_that_is_no_label_is_refused(string id)
    {
        await using var services = await TenantServices.StartAsync(servers);

        var (tenant, problem) = await services.Store.CreateAsync(id, new TenantSettings { Name = "x" }, new("test", null), Stopping);

        Assert.Null(tenant);
        Assert.Equal(TenantProblemKind.Invalid, problem!.Kind);
        Assert.Equal("id", Assert.Single(problem.Fields!).Field);
    }

    [Fact]
    public async Task Id_is_not_used_again_after_deletion()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var tenant = await services.CreateAsync();

        var (deleted, _) = await services.Store.DeleteAsync(tenant.Id, new("test", null), Stopping);
        var again = await services.Store.CreateAsync(tenant.Id, new TenantSettings { Name = "again" }, new("test", null), Stopping);
        var resumed = await services.Store.ResumeAsync(tenant.Id, new("test", null), Stopping);

        Assert.NotNull(deleted!.DeletedAt);
        Assert.NotNull(deleted.SuspendedAt);
        Assert.Equal(TenantProblemKind.Conflict, again.Problem!.Kind);
        Assert.Equal(TenantProblemKind.Conflict, resumed.Problem!.Kind);
        Assert.True((await services.AccountAsync(tenant.Id)).IsDeleted);
        Assert.DoesNotContain(await services.Store.ListAsync(deleted: false, after: null, 10_000, Stopping), t => t.Id == tenant.Id);
        Assert.Contains(await services.Store.ListAsync(deleted: true, after: null, 10_000, Stopping), t => t.Id == tenant.Id);
    }

    [Fact]
    public async Task Default_tenant_can_be_neither_suspended_nor_deleted()
    {
        await using var services = await TenantServices.StartAsync(servers);

        var suspended = await services.Store.SuspendAsync("default", new("test", null), Stopping);
        var deleted = await services.Store.DeleteAsync("default", new("test", null), Stopping);

        Assert.Equal(TenantProblemKind.Conflict, suspended.Problem!.Kind);
        Assert.Equal(TenantProblemKind.Conflict, deleted.Problem!.Kind);
        var account = await services.AccountAsync("default");
        Assert.False(account.IsSuspended || account.IsDeleted);
    }

    [Fact]
    public async Task Changes_at_once_do_not_undo_one_another()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var tenant = await services.CreateAsync(new TenantSettings { RequestsPerMinute = 0 });

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => services.New<TenantStore>().UpdateAsync(
            tenant.Id, present => (present with { RequestsPerMinute = present.RequestsPerMinute + 1 }, null),
            new("test", null), Stopping)));

        Assert.Equal(20, (await services.Store.FindAsync(tenant.Id, Stopping))!.RequestsPerMinute);
    }
}
