using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

public sealed class TenantMonthTests(Servers servers)
{
    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Exactly_the_quota_is_admitted_when_replicas_take_at_once()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var tenant = TenantServices.Account(inferences: 25);
        TenantLimiter[] replicas = [services.New<TenantLimiter>(), services.New<TenantLimiter>(), services.New<TenantLimiter>()];

        var taken = await Task.WhenAll(Enumerable.Range(0, 120).Select(i => replicas[i % 3].TakeAsync(tenant, Stopping)));

        Assert.Equal(25, taken.Count(t => t.Outcome == EnqueueOutcome.Enqueued));
        Assert.Equal(95, taken.Count(t => t.Outcome == EnqueueOutcome.OverQuota));
    }

    [Fact]
    public async Task Month_is_taken_from_postgres_when_redis_does_not_know_it()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var queue = new TestQueue(servers);
        var tenant = TenantServices.Account(inferences: 10);
        await services.ExecuteAsync(
            "INSERT INTO tenant_months (tenant_id, month, inferences, cost) VALUES ($1, $2, 8, 0)", tenant.Id, tenant.Month);

        var unknown = await queue.Requests.EnqueueAsync(queue.Request(), new AdmissionExtras(Tenant: tenant));
        await services.Get<TenantLimiter>().LoadMonthAsync(tenant, Stopping);
        var ninth = await queue.Requests.EnqueueAsync(queue.Request(), new AdmissionExtras(Tenant: tenant));
        var tenth = await queue.Requests.EnqueueAsync(queue.Request(), new AdmissionExtras(Tenant: tenant));
        var eleventh = await queue.Requests.EnqueueAsync(queue.Request(), new AdmissionExtras(Tenant: tenant));

        Assert.Equal(
            [EnqueueOutcome.UnknownMonth, EnqueueOutcome.Enqueued, EnqueueOutcome.Enqueued, EnqueueOutcome.OverQuota],
            [unknown.Outcome, ninth.Outcome, tenth.Outcome, eleventh.Outcome]);
        Assert.Equal(2, (await queue.StatsAsync()).Depth);
        Assert.Equal(10, tenth.Standing!.Inferences);
    }

    [Fact]
    public async Task Overdraft_is_counted_and_never_refused()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var tenant = TenantServices.Account(inferences: 2, overdraft: true);
        var limiter = services.Get<TenantLimiter>();

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(EnqueueOutcome.Enqueued, (await limiter.TakeAsync(tenant, Stopping)).Outcome);
        }

        Assert.Equal(5, (await limiter.PeekAsync(tenant)).Inferences);
    }

    [Fact]
    public async Task Refunded_inference_can_be_had_by_another_request()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var tenant = TenantServices.Account(inferences: 1);
        var limiter = services.Get<TenantLimiter>();
        Assert.Equal(EnqueueOutcome.Enqueued, (await limiter.TakeAsync(tenant, Stopping)).Outcome);
        Assert.Equal(EnqueueOutcome.OverQuota, (await limiter.TakeAsync(tenant, Stopping)).Outcome);

        await limiter.RefundAsync(tenant);

        Assert.Equal(EnqueueOutcome.Enqueued, (await limiter.TakeAsync(tenant, Stopping)).Outcome);
    }

    [Fact]
    public async Task Refund_after_redis_lost_the_month_leaves_it_unknown()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var tenant = TenantServices.Account(inferences: 2);
        var limiter = services.Get<TenantLimiter>();
        Assert.Equal(EnqueueOutcome.Enqueued, (await limiter.TakeAsync(tenant, Stopping)).Outcome);
        await limiter.RefundAsync(tenant);
        Assert.Equal(0, (await limiter.PeekAsync(tenant)).Inferences);
        await limiter.ForgetMonthAsync(tenant.Id, tenant.Month);

        await limiter.RefundAsync(tenant);

        Assert.Equal(-1, (await limiter.PeekAsync(tenant)).Inferences);
        Assert.Equal(EnqueueOutcome.Enqueued, (await limiter.TakeAsync(tenant, Stopping)).Outcome);
        Assert.Equal(1, (await limiter.PeekAsync(tenant)).Inferences);
    }

    [Fact]
    public async Task Alert_and_stop_are_told_once_a_month_by_all_replicas_together()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var tenant = await services.CreateAsync(new TenantSettings { MonthlyInferences = 10, MonthlyBudget = 100 });
        var month = TenantAccount.MonthOf(TimeProvider.System.GetUtcNow());
        using var told = new TenantCounts("inference.tenant.budget.alerts", tenant.Id, "level");
        MonthAlerts[] replicas = [services.New<MonthAlerts>(), services.New<MonthAlerts>(), services.New<MonthAlerts>()];

        await SetAsync(inferences: 7, cost: 79);
        await LookAsync();
        Assert.Equal((0, 0), (told["alert"], told["stop"]));

        await SetAsync(inferences: 7, cost: 80);
        await LookAsync();
        Assert.Equal((1, 0), (told["alert"], told["stop"]));

        await SetAsync(inferences: 10, cost: 80);
        await LookAsync();
        await LookAsync();
        Assert.Equal((1, 1), (told["alert"], told["stop"]));
        Assert.True((await services.AccountAsync(tenant.Id)).IsOverQuota);

        Task LookAsync() => Task.WhenAll(replicas.Select(r => r.LookAsync([tenant.Id], Stopping)));

        Task SetAsync(long inferences, decimal cost) => services.ExecuteAsync("""
            INSERT INTO tenant_months (tenant_id, month, inferences, cost) VALUES ($1, $2, $3, $4)
            ON CONFLICT (tenant_id, month) DO UPDATE SET inferences = $3, cost = $4
            """, tenant.Id, month, inferences, cost);
    }

    [Fact]
    public async Task Spent_budget_is_known_without_asking_redis()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var strict = await services.CreateAsync(new TenantSettings { MonthlyBudget = 5 });
        var generous = await services.CreateAsync(new TenantSettings { MonthlyBudget = 5, AllowOverdraft = true });
        var month = TenantAccount.MonthOf(TimeProvider.System.GetUtcNow());
        foreach (var tenant in (string[])[strict.Id, generous.Id])
        {
            await services.ExecuteAsync(
                "INSERT INTO tenant_months (tenant_id, month, inferences, cost) VALUES ($1, $2, 3, 5)", tenant, month);
        }

        Assert.True((await services.AccountAsync(strict.Id)).IsOverBudget);
        Assert.False((await services.AccountAsync(generous.Id)).IsOverBudget);
    }
}
