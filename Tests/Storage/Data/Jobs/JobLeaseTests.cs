using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Data.Jobs;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

[Collection("jobs")]
public sealed class JobLeaseTests(Servers servers)
{
    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Jobs_go_to_one_of_two_workers_that_claim_them_at_once()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var ids = await jobs.AcceptAsync(200);

        var claims = await Task.WhenAll(
            jobs.Leases.ClaimAsync(JobServices.Entries(ids), "one", Stopping),
            jobs.Leases.ClaimAsync(JobServices.Entries([.. ids.Reverse(), .. ids]), "two", Stopping));

        Assert.Equal(ids.Order(), claims.SelectMany(c => c).Select(l => l.Id).Order());
        Assert.All(claims.SelectMany(c => c), lease => Assert.Equal(1, lease.Attempt));
    }

    [Fact]
    public async Task Finish_that_comes_after_the_lease_was_lost_changes_nothing()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.Lease = TimeSpan.FromMilliseconds(1));
        var id = Assert.Single(await jobs.AcceptAsync(1));
        var slow = await jobs.ClaimAsync(id, "slow");
        var fast = await jobs.ClaimLostAsync(id, "fast");

        var late = await jobs.FinishAsync(JobServices.Succeeded(slow, output: 1));
        var right = await jobs.FinishAsync(JobServices.Succeeded(fast, output: 2));
        var again = await jobs.FinishAsync(JobServices.Succeeded(fast, output: 3));

        Assert.Equal(2, fast.Attempt);
        Assert.Empty(late);
        Assert.Equal(JobState.Succeeded, right[id]);
        Assert.Empty(again);
        Assert.Equal([2], await jobs.ScalarAsync<byte[]>("SELECT outputs FROM jobs WHERE id = $1", id));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ends_of_two_attempts_that_come_together_leave_that_of_the_one_that_holds_the_job(bool lateFirst)
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.Lease = TimeSpan.FromMilliseconds(1));
        var id = Assert.Single(await jobs.AcceptAsync(1));
        var slow = JobServices.Succeeded(await jobs.ClaimAsync(id, "slow"), output: 1);
        var fast = JobServices.Succeeded(await jobs.ClaimLostAsync(id, "fast"), output: 2);

        var ended = await jobs.Leases.FinishAsync(lateFirst ? [slow, fast] : [fast, slow], Stopping);

        Assert.Equal(JobState.Succeeded, ended[id]);
        Assert.Equal([2], await jobs.ScalarAsync<byte[]>("SELECT outputs FROM jobs WHERE id = $1", id));
    }

    [Fact]
    public async Task Cancelling_and_finishing_at_once_leave_one_of_the_two()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var ids = await jobs.AcceptAsync(40);
        var leases = (await jobs.Leases.ClaimAsync(JobServices.Entries(ids), "worker", Stopping)).ToDictionary(l => l.Id);

        await Task.WhenAll(ids.Select(async id =>
        {
            var cancel = jobs.Cancellation.CancelAsync(jobs.Tenant, id, Stopping);
            var finished = (await jobs.FinishAsync(JobServices.Succeeded(leases[id])))[id];
            await cancel;

            var job = await jobs.FindAsync(id);
            Assert.Equal(finished, job.State);
            Assert.Equal(finished == JobState.Cancelled, job.CancelRequested);
            Assert.Contains(finished, (JobState[])[JobState.Succeeded, JobState.Cancelled]);
        }));
    }

    [Fact]
    public async Task Worker_learns_with_its_renewal_what_is_cancelled_and_what_is_lost()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.Lease = TimeSpan.FromMilliseconds(1));
        var ids = await jobs.AcceptAsync(3);
        JobLease[] leases = [await jobs.ClaimAsync(ids[0]), await jobs.ClaimAsync(ids[1]), await jobs.ClaimAsync(ids[2])];
        await jobs.Cancellation.CancelAsync(jobs.Tenant, ids[1], Stopping);
        await jobs.ClaimLostAsync(ids[2], "other");

        var renewed = await jobs.Leases.ExtendAsync(leases, Stopping);
        var finished = await jobs.FinishAsync(JobServices.Succeeded(leases[1]));

        Assert.Equal(2, renewed.Count);
        Assert.False(renewed[ids[0]]);
        Assert.True(renewed[ids[1]]);
        Assert.Equal(JobState.Cancelled, finished[ids[1]]);
        Assert.Equal(0L, await jobs.ScalarAsync<long>("SELECT count(outputs) FROM jobs WHERE id = $1", ids[1]));
    }

    [Fact]
    public async Task Job_that_waits_is_cancelled_at_once_and_never_claimed()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = Assert.Single(await jobs.AcceptAsync(1));

        await jobs.Cancellation.CancelAsync($"{jobs.Tenant}-other", id, Stopping);
        var before = await jobs.FindAsync(id);
        await jobs.Cancellation.CancelAsync(jobs.Tenant, id, Stopping);
        await jobs.Cancellation.CancelAsync(jobs.Tenant, id, Stopping);

        Assert.Equal(JobState.Queued, before.State);
        Assert.Equal(JobState.Cancelled, (await jobs.FindAsync(id)).State);
        Assert.Empty(await jobs.Leases.ClaimAsync(JobServices.Entries(id), "worker", Stopping));
    }

    [Fact]
    public async Task Job_that_is_given_back_can_be_claimed_again_although_it_had_one_attempt()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.MaxAttempts = 1);
        var id = Assert.Single(await jobs.AcceptAsync(1));
        var first = await jobs.ClaimAsync(id);

        await jobs.Leases.ReturnAsync([first], Stopping);

        // Its entry is in the queue still: one more would run it without the wait between its deliveries, and uncounted.
        Assert.True(await jobs.ScalarAsync<bool>("SELECT queued_at > now() - interval '1 minute' FROM jobs WHERE id = $1", id));
        var second = await jobs.ClaimAsync(id);
        var late = await jobs.FinishAsync(JobServices.Succeeded(first));

        Assert.Equal(2, second.Attempt);
        Assert.Empty(late);
    }

    [Fact]
    public async Task Job_is_not_claimed_after_its_deadline()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = (await jobs.AcceptAsync(timeout: TimeSpan.FromTicks(10))).Id;

        Assert.Empty(await jobs.Leases.ClaimAsync(JobServices.Entries(id), "worker", Stopping));
    }

    [Fact]
    public async Task Error_with_a_zero_character_is_kept_without_it()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = Assert.Single(await jobs.AcceptAsync(1));
        var lease = await jobs.ClaimAsync(id);

        await jobs.FinishAsync(new JobOutcome(lease, JobState.Failed, null, "no\0good", 400, 1, TimeSpan.Zero));

        var job = await jobs.FindAsync(id);
        Assert.Equal((JobState.Failed, "nogood", (short?)400), (job.State, job.Error, job.ErrorStatus));
    }
}
