using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

public sealed class TenantAdmissionTests(Servers servers)
{
    [Fact]
    public async Task Exactly_as_many_as_the_bucket_holds_are_admitted_when_replicas_admit_at_once()
    {
        var queue = new TestQueue(servers);
        var tenant = TenantServices.Account(rate: 1, burst: 40);
        var replicas = Replicas(queue, 3);
        var begin = await TenantServices.NowAsync(servers.Redis);

        var admissions = await Task.WhenAll(Enumerable.Range(0, 300).Select(i =>
            replicas[i % 3].EnqueueAsync(queue.Request(), new AdmissionExtras(Tenant: tenant))));

        // One more comes with each minute, should this have taken so long.
        var admitted = admissions.Count(a => a.Outcome == EnqueueOutcome.Enqueued);
        Assert.InRange(admitted, 40, 40 + await MinutesSinceAsync(begin));
        Assert.Equal(300 - admitted, admissions.Count(a => a.Outcome == EnqueueOutcome.OverRate));
        Assert.Equal(admitted, (await queue.StatsAsync()).Depth);
    }

    [Fact]
    public async Task Standing_tells_what_is_left_and_when_more_comes()
    {
        var queue = new TestQueue(servers);
        var tenant = TenantServices.Account(rate: 1, burst: 3);
        var begin = await TenantServices.NowAsync(servers.Redis);

        var first = await queue.Requests.EnqueueAsync(queue.Request(), new AdmissionExtras(Tenant: tenant));
        Admission last;
        var wait = Wait.For("the rate to be used up");
        do
        {
            wait.ThrowIfOver();
            last = await queue.Requests.EnqueueAsync(queue.Request(), new AdmissionExtras(Tenant: tenant));
        }
        while (last.Outcome == EnqueueOutcome.Enqueued);

        Assert.Equal(
            (2, TimeSpan.FromMinutes(1), TimeSpan.Zero), (first.Standing!.Remaining, first.Standing.FullAfter, first.Standing.RetryAfter));
        Assert.Equal((EnqueueOutcome.OverRate, 0), (last.Outcome, last.Standing!.Remaining));
        Assert.InRange(last.Standing.RetryAfter, TimeSpan.FromMicroseconds(1), TimeSpan.FromMinutes(1));
        Assert.InRange(last.Standing.FullAfter, TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(3));
        Assert.InRange((await queue.StatsAsync()).Depth, 3, 3 + await MinutesSinceAsync(begin));
    }

    [Fact]
    public async Task Request_that_the_queue_refuses_is_not_counted()
    {
        var queue = new TestQueue(servers, o => o.MaxDepth = 5);
        var tenant = TenantServices.Account(rate: 1, burst: 50, concurrency: 50);

        var admissions = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => queue.Requests.EnqueueAsync(queue.Request(), new AdmissionExtras(Tenant: tenant))));

        Assert.Equal(5, admissions.Count(a => a.Outcome == EnqueueOutcome.Enqueued));
        Assert.Equal(15, admissions.Count(a => a.Outcome == EnqueueOutcome.Full));
        var standing = await new TenantLimiter(servers.Redis, servers.Database).PeekAsync(tenant);
        Assert.Equal(5, standing.InFlight);
        Assert.True(standing.Remaining >= 45, $"{standing.Remaining} left of 50 after 5");
    }

    [Fact]
    public async Task Kept_answer_counts_against_the_rate_and_takes_no_place()
    {
        var queue = new TestQueue(servers);
        var tenant = TenantServices.Account(rate: 1, burst: 4, concurrency: 1);
        var key = QueueKeys.ResponseCache(queue.Name.Model, queue.Name.Version, "kept");
        await queue.Redis.StringSetAsync(key, new byte[] { 7 });
        var begin = await TenantServices.NowAsync(servers.Redis);

        var answered = 0;
        Admission last;
        var wait = Wait.For("the rate to be used up");
        while ((last = await queue.Requests.EnqueueAsync(
            queue.Request(), new AdmissionExtras(key, tenant))).Outcome == EnqueueOutcome.Cached)
        {
            wait.ThrowIfOver();
            Assert.Equal([7], last.CachedAnswer!);
            answered++;
        }

        Assert.Equal(EnqueueOutcome.OverRate, last.Outcome);
        Assert.Null(last.CachedAnswer);
        Assert.InRange(answered, 4, 4 + await MinutesSinceAsync(begin));
        Assert.Equal(0, last.Standing!.InFlight);
    }

    [Fact]
    public async Task No_more_than_the_cap_wait_or_run_at_one_time_over_all_replicas()
    {
        var queue = new TestQueue(servers);
        var tenant = TenantServices.Account(concurrency: 7);
        var replicas = Replicas(queue, 3);
        InferenceRequest[] requests = [.. Enumerable.Range(0, 60).Select(_ => queue.Request())];

        var admissions = await Task.WhenAll(
            requests.Select((request, i) => replicas[i % 3].EnqueueAsync(request, new AdmissionExtras(Tenant: tenant))));

        Assert.Equal(7, admissions.Count(a => a.Outcome == EnqueueOutcome.Enqueued));
        Assert.Equal(53, admissions.Count(a => a.Outcome == EnqueueOutcome.OverConcurrency));

        // Two have ended: two slots, no more.
        var limiter = new TenantLimiter(servers.Redis, servers.Database);
        foreach (var (request, _) in requests.Zip(admissions).Where(r => r.Second.Outcome == EnqueueOutcome.Enqueued).Take(2))
        {
            limiter.Release(tenant, request.Id);
        }

        await Wait.UntilAsync(async () => (await limiter.PeekAsync(tenant)).InFlight == 5);

        var further = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(i => replicas[i % 3].EnqueueAsync(queue.Request(), new AdmissionExtras(Tenant: tenant))));
        Assert.Equal(2, further.Count(a => a.Outcome == EnqueueOutcome.Enqueued));
    }

    [Fact]
    public async Task Slots_of_a_replica_that_died_come_free_when_their_requests_have_expired()
    {
        var queue = new TestQueue(servers);
        var tenant = TenantServices.Account(concurrency: 1);
        var lost = await queue.Requests.EnqueueAsync(queue.Request(timeout: TimeSpan.FromSeconds(3)), new AdmissionExtras(Tenant: tenant));
        Assert.Equal(EnqueueOutcome.Enqueued, lost.Outcome);

        // Nobody releases it: its deadline does.
        await Wait.UntilAsync(async () => (await queue.Requests.EnqueueAsync(
            queue.Request(), new AdmissionExtras(Tenant: tenant))).Outcome != EnqueueOutcome.OverConcurrency);

        Assert.Equal(2, (await queue.StatsAsync()).Depth);
        Assert.Equal(1, (await new TenantLimiter(servers.Redis, servers.Database).PeekAsync(tenant)).InFlight);
    }

    [Fact]
    public async Task Flooding_tenant_leaves_the_queue_to_a_quiet_one()
    {
        var queue = new TestQueue(servers, o => o.MaxDepth = 100);
        var (loud, quiet) = (TenantServices.Account(concurrency: 20), TenantServices.Account(concurrency: 20));

        var flood = Enumerable.Range(0, 500).Select(_ => queue.Requests.EnqueueAsync(queue.Request(), new AdmissionExtras(Tenant: loud)));
        var few = Enumerable.Range(0, 20).Select(_ => queue.Requests.EnqueueAsync(queue.Request(), new AdmissionExtras(Tenant: quiet)));
        var admissions = await Task.WhenAll([.. flood, .. few]);

        Assert.All(admissions[500..], a => Assert.Equal(EnqueueOutcome.Enqueued, a.Outcome));
        Assert.Equal(20, admissions[..500].Count(a => a.Outcome == EnqueueOutcome.Enqueued));
        Assert.Equal(40, (await queue.StatsAsync()).Depth);
    }

    [Fact]
    public async Task Tenant_without_limits_leaves_nothing_in_redis()
    {
        var queue = new TestQueue(servers);
        var tenant = TenantServices.Account();

        var admission = await queue.Requests.EnqueueAsync(queue.Request(), new AdmissionExtras(Tenant: tenant));

        Assert.Equal(EnqueueOutcome.Enqueued, admission.Outcome);
        Assert.Null(admission.Standing);
        var found = await queue.Redis.ScriptEvaluateAsync(
            "return #redis.call('KEYS', ARGV[1])", null, [$"inference:tenant:{{{tenant.Id}}}:*"]);
        Assert.Equal(0, (int)found);
    }

    private RequestQueue[] Replicas(TestQueue queue, int count) =>
        [.. Enumerable.Range(0, count)
            .Select(_ => new RequestQueue(servers.Redis, Microsoft.Extensions.Options.Options.Create(queue.Options), queue.Time))];

    // Whole minutes: less brings nothing.
    private async Task<int> MinutesSinceAsync(DateTime begin) => (int)(await TenantServices.NowAsync(servers.Redis) - begin).TotalMinutes;
}
