using InferenceTemplate.Api.Usage;
using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Data.Jobs;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Storage;

[Collection("jobs")]
public sealed class UsageTests(Servers servers)
{
    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Use_of_replicas_that_write_and_sum_at_once_adds_up_exactly()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var tenant = (await services.CreateAsync()).Id;
        UsageAccumulator[] replicas =
            [services.New<UsageAccumulator>(), services.New<UsageAccumulator>(), services.New<UsageAccumulator>()];

        await Task.WhenAll(Enumerable.Range(0, 3).Select(replica => Task.Run(async () =>
        {
            for (var i = 0; i < 200; i++)
            {
                replicas[replica].Record(
                    tenant, $"m{i % 2}", "1", failed: i % 10 == 0, cached: i % 4 == 1,
                    new UsedDevice(3, 0.000000000000001m) { Tokens = new(5, 2) });
                if (i % 20 == 0)
                {
                    await replicas[replica].WriteAsync(Stopping);
                    await services.New<UsageSummation>().SumAsync(Stopping);
                }
            }

            await replicas[replica].WriteAsync(Stopping);
        })));
        var sums = await services.SumUntilAsync(tenant, 600);

        Assert.Equal((600, 60, 150, 0), (sums.Requests, sums.Failures, sums.Cached, sums.Jobs));
        Assert.Equal((0.0018m, 0.0000000000006m), (sums.DeviceSeconds, sums.Cost));
        Assert.Equal(600, (await services.AccountAsync(tenant)).Inferences);
        Assert.Equal(0.0000000000006m, (await services.AccountAsync(tenant)).Cost);
        Assert.Equal((3000, 1200), (sums.PromptTokens, sums.CompletionTokens));
        Assert.Equal(4200, (await services.AccountAsync(tenant)).Tokens);
    }

    [Fact]
    public async Task Use_whose_commit_was_not_answered_is_counted_once_though_another_replica_has_summed_it()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var tenant = (await services.CreateAsync()).Id;
        await using var way = new LossyConnection(servers.ConnectionString);
        using var replica = new UsageAccumulator(way.Source, TimeProvider.System);
        var used = new UsedDevice(3, 0.5m);
        replica.Record(tenant, "m", "1", failed: false, cached: false, used);
        await replica.WriteAsync(Stopping);

        replica.Record(tenant, "m", "1", failed: false, cached: false, used);
        way.LoseNextAnswer();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => replica.WriteAsync(Stopping));
        await services.SumUntilAsync(tenant, 2);
        replica.Record(tenant, "m", "1", failed: false, cached: false, used);
        await replica.WriteAsync(Stopping);

        Assert.Equal((3, 1.5m), await services.SumUntilAsync(tenant, 3) is var sums ? (sums.Requests, sums.Cost) : default);
        Assert.Empty(await services.New<UsageSummation>().SumAsync(Stopping));
        Assert.Equal(3, (await services.AccountAsync(tenant)).Inferences);
    }

    [Fact]
    public async Task Report_tells_apart_what_is_asked_and_sums_the_rest()
    {
        await using var services = await TenantServices.StartAsync(servers);
        var tenant = TenantServices.NewId();
        var day = new DateTimeOffset(2025, 3, 31, 0, 0, 0, TimeSpan.Zero);
        foreach (var (hour, model, version) in ((int, string, string)[])[(22, "a", "1"), (23, "a", "2"), (23, "b", "1"), (24, "a", "1")])
        {
            await services.ExecuteAsync("""
                INSERT INTO usage_hours (tenant_id, hour, model, version, requests, failures, cached, jobs, device_microseconds, cost)
                VALUES ($1, $2, $3, $4, 10, 1, 2, 3, 500000, 0.25)
                """, tenant, day.AddHours(hour), model, version);
        }

        Assert.Equal(40, Assert.Single(await ReadAsync()).Requests);
        Assert.Equal([("a", 30L), ("b", 10L)], (await ReadAsync(UsageGroup.Model)).Select(r => (r.Model!, r.Requests)));
        Assert.Equal([("a", "1", 20L), ("a", "2", 10L), ("b", "1", 10L)],
            (await ReadAsync(UsageGroup.Version)).Select(r => (r.Model!, r.Version!, r.Requests)));
        Assert.Equal([(day, 30L), (day.AddDays(1), 10L)], (await ReadAsync(UsageGroup.Day)).Select(r => (r.Start!.Value, r.Requests)));
        Assert.Equal(
            [(new DateTimeOffset(2025, 3, 1, 0, 0, 0, TimeSpan.Zero), 0.75m), (day.AddDays(1), 0.25m)],
            (await ReadAsync(UsageGroup.Month)).Select(r => (r.Start!.Value, r.Cost)));
        Assert.Equal([10L, 20L, 10L], (await ReadAsync(UsageGroup.Hour)).Select(r => r.Requests));

        // The end is exclusive; the beginning counts from its hour.
        var one = Assert.Single(await services.Get<UsageReport>().ReadAsync(
            tenant, null, day.AddHours(22.5), day.AddHours(23), new HashSet<UsageGroup> { UsageGroup.Tenant }, 10, Stopping));
        Assert.Equal((tenant, 10, 1, 2, 3, 0.5m), (one.Tenant, one.Requests, one.Failures, one.Cached, one.Jobs, one.DeviceSeconds));
        Assert.Empty(await services.Get<UsageReport>()
            .ReadAsync(tenant, null, day.AddHours(30), day.AddHours(31), new HashSet<UsageGroup>(), 10, Stopping));

        Task<IReadOnlyList<UsageRow>> ReadAsync(params UsageGroup[] groups) =>
            services.Get<UsageReport>().ReadAsync(tenant, null, day, day.AddDays(2), groups.ToHashSet(), 100, Stopping);
    }

    [Fact]
    public async Task Job_counts_once_with_what_it_used_however_often_its_end_is_told()
    {
        await using var services = await TenantServices.StartAsync(servers);
        await using var jobs = await JobServices.StartAsync(servers);
        var ids = await jobs.AcceptAsync(2);
        var (good, bad) = (await jobs.ClaimAsync(ids[0]), await jobs.ClaimAsync(ids[1]));
        var ended = JobServices.Succeeded(good) with { Used = new UsedDevice(1_500, 0.000002m) { Tokens = new(7, 3) } };

        await jobs.FinishAsync(ended);
        Assert.Empty(await jobs.FinishAsync(ended));
        await jobs.FinishAsync(new JobOutcome(bad, JobState.Failed, null, "no good", 400, 0, TimeSpan.Zero));
        var sums = await services.SumUntilAsync(jobs.Tenant, 2);

        Assert.Equal((2, 1, 2, 0), (sums.Requests, sums.Failures, sums.Jobs, sums.Cached));
        Assert.Equal((0.0015m, 0.000002m), (sums.DeviceSeconds, sums.Cost));
        Assert.Equal((7, 3), (sums.PromptTokens, sums.CompletionTokens));
        Assert.Equal(0.000002m, (await jobs.FindAsync(ids[0])).Cost);
    }

    [Fact]
    public async Task Job_that_was_cancelled_counts_only_if_it_ran()
    {
        await using var services = await TenantServices.StartAsync(servers);
        await using var jobs = await JobServices.StartAsync(servers);
        var ids = await jobs.AcceptAsync(3);
        var (ran, stopped, plain) = (await jobs.ClaimAsync(ids[0]), await jobs.ClaimAsync(ids[1]), await jobs.ClaimAsync(ids[2]));
        await jobs.Cancellation.CancelAsync(jobs.Tenant, ids[0], Stopping);
        await jobs.Cancellation.CancelAsync(jobs.Tenant, ids[1], Stopping);

        await jobs.FinishAsync(JobServices.Succeeded(ran) with { Used = new UsedDevice(10, 0.5m) });
        await jobs.FinishAsync(
            new JobOutcome(stopped, JobState.Failed, null, "the job was cancelled before it ran", 409, 0, TimeSpan.Zero));
        await jobs.FinishAsync(JobServices.Succeeded(plain));
        var sums = await services.SumUntilAsync(jobs.Tenant, 2);

        // The one that ran for nothing was paid for all the same.
        Assert.Equal((2, 1, 2, 0.5m), (sums.Requests, sums.Failures, sums.Jobs, sums.Cost));
    }
}
