using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Storage;

[Collection("jobs")]
public sealed class JobWriterTests(Servers servers)
{
    [Fact]
    public async Task Writer_commits_jobs_that_come_together_in_few_transactions()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var groups = new ConcurrentBag<int>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "inference.jobs.commit.size")
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((_, size, _, _) => groups.Add(size));
        listener.Start();

        var ids = await jobs.AcceptAsync(400);

        Assert.Equal(400, groups.Sum());
        Assert.InRange(groups.Count, 1, 100);
        Assert.Equal(400L, await jobs.ScalarAsync<long>("SELECT count(*) FROM jobs WHERE id = ANY ($1) AND state = 'queued'", ids));
        await jobs.DepthIsAsync(400);
    }

    [Fact]
    public async Task Jobs_that_find_their_queue_full_are_accepted_and_come_to_it_when_there_is_room()
    {
        await using var jobs = await JobServices.StartAsync(servers, queue: queue => queue.MaxDepth = 5);
        var elsewhere = $"{jobs.Model}-other";

        var ids = await jobs.AcceptAsync(20);
        await jobs.DepthIsAsync(5);

        // What did not fit, and what came since, is marked as not queued, by whoever was the first to know.
        Guid[] all = [.. ids, .. await jobs.AcceptAsync(20)];
        await Wait.UntilAsync(async () => await jobs.ScalarAsync<long>(
            "SELECT count(*) FROM jobs WHERE id = ANY ($1) AND state = 'queued' AND queued_at IS NULL", all) == 35);
        Assert.Equal(JobAcceptanceOutcome.Accepted, (await jobs.AcceptAsync(model: elsewhere)).Outcome);
        await jobs.DepthIsAsync(1, elsewhere);

        // Redis loses the five, which makes room as their runs would.
        await jobs.LoseRedisDataAsync();
        await jobs.Reconciler.ReconcileAsync(TestContext.Current.CancellationToken);
        await jobs.DepthIsAsync(5);
        Assert.InRange(
            await jobs.ScalarAsync<long>("SELECT count(*) FROM jobs WHERE id = ANY ($1) AND queued_at IS NOT NULL", all), 5L, 10L);
    }

    [Fact]
    public async Task Writer_gives_the_same_job_to_all_that_bring_one_key_at_once()
    {
        await using var jobs = await JobServices.StartAsync(servers);

        var same = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => jobs.AcceptAsync(key: "once", hash: 1)));
        var other = await jobs.AcceptAsync(key: "once", hash: 2);
        var again = await jobs.AcceptAsync(key: "once", hash: 1);
        var elsewhere = await jobs.AcceptAsync(key: "once", hash: 1, tenant: $"{jobs.Tenant}-other");

        Assert.Single(same, a => a.Outcome == JobAcceptanceOutcome.Accepted);
        Assert.Equal(49, same.Count(a => a.Outcome == JobAcceptanceOutcome.Replayed));
        Assert.Single(same.Select(a => a.Id).Distinct());
        Assert.Equal(JobAcceptanceOutcome.KeyReused, other.Outcome);
        Assert.Equal(new JobAcceptance(JobAcceptanceOutcome.Replayed, same[0].Id), again);
        Assert.Equal(JobAcceptanceOutcome.Accepted, elsewhere.Outcome);
        Assert.Equal(1L, await jobs.ScalarAsync<long>("SELECT count(*) FROM jobs WHERE tenant_id = $1", jobs.Tenant));
        await jobs.DepthIsAsync(2);
    }

    [Fact]
    public async Task Writers_of_two_replicas_agree_on_the_jobs_of_many_keys()
    {
        await using var one = await JobServices.StartAsync(servers);
        await using var two = await JobServices.StartAsync(servers);

        // In opposite orders, which is how deadlocks are made.
        var first = Enumerable.Range(0, 100).Select(i => one.AcceptAsync(key: $"{i}")).ToList();
        var second = Enumerable.Range(0, 100).Reverse().Select(i => two.AcceptAsync(key: $"{i}", tenant: one.Tenant)).ToList();
        var answers = (await Task.WhenAll(first)).Zip((await Task.WhenAll(second)).Reverse()).ToList();

        Assert.All(answers, pair => Assert.Equal(pair.First.Id, pair.Second.Id));
        Assert.All(answers, pair => Assert.Single(new[] { pair.First, pair.Second }, a => a.Outcome == JobAcceptanceOutcome.Accepted));
    }

    [Fact]
    public async Task Repetition_of_a_job_takes_no_room()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.MaxPendingPerTenant = 1);
        var first = await jobs.AcceptAsync("last", 1);

        Assert.Equal((JobAcceptanceOutcome.Replayed, first.Id), Told(await jobs.AcceptAsync("last", 1)));
        Assert.Equal(JobAcceptanceOutcome.KeyReused, (await jobs.AcceptAsync("last", 2)).Outcome);
        Assert.Equal(JobAcceptanceOutcome.TooManyPending, (await jobs.AcceptAsync("another", 1)).Outcome);

        static (JobAcceptanceOutcome, Guid) Told(JobAcceptance acceptance) => (acceptance.Outcome, acceptance.Id);
    }

    [Fact]
    public async Task Writer_refuses_a_tenant_that_has_as_many_jobs_as_it_may_until_one_ends()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.MaxPendingPerTenant = 3);
        var ids = await jobs.AcceptAsync(3);

        var refused = await jobs.AcceptAsync();
        await jobs.Cancellation.CancelAsync(jobs.Tenant, ids[0], TestContext.Current.CancellationToken);
        JobAcceptance accepted;
        var wait = Wait.For("another job to be accepted");
        do
        {
            // The count is remembered for a second.
            accepted = await jobs.AcceptAsync();
            await wait.PauseAsync();
        }
        while (accepted.Outcome == JobAcceptanceOutcome.TooManyPending);

        Assert.Equal(JobAcceptanceOutcome.TooManyPending, refused.Outcome);
        Assert.Equal(JobAcceptanceOutcome.Accepted, accepted.Outcome);
    }

    [Fact]
    public async Task Writer_refuses_more_than_its_backlog_holds()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.WriteBacklog = 1, writing: false);
        List<Task<JobAcceptance>> both = [jobs.AcceptAsync(), jobs.AcceptAsync()];

        var refused = await Task.WhenAny(both);
        both.Remove(refused);

        Assert.Equal(JobAcceptanceOutcome.Busy, (await refused).Outcome);
        Assert.False(both[0].IsCompleted);
        await jobs.Writer.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal(JobAcceptanceOutcome.Accepted, (await both[0]).Outcome);
    }

    [Fact]
    public async Task Row_that_postgres_refuses_takes_no_other_of_its_group_with_it()
    {
        await using var jobs = await JobServices.StartAsync(servers, writing: false);
        var good = Enumerable.Range(0, 5).Select(_ => jobs.AcceptAsync()).ToList();
        var bad = jobs.AcceptAsync(requestId: "a\0b");

        await jobs.Writer.StartAsync(TestContext.Current.CancellationToken);

        Assert.All(await Task.WhenAll(good), a => Assert.Equal(JobAcceptanceOutcome.Accepted, a.Outcome));
        await Assert.ThrowsAsync<PostgresException>(() => bad);
    }
}
