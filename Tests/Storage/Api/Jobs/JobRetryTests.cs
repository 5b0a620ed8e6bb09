using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Jobs;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

[Collection("jobs")]
public sealed class JobRetryTests(Servers servers)
{
    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Job_that_failed_is_queued_by_one_of_many_that_retry_it_at_once_and_runs_once()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = await FailedAsync(jobs);
        var before = await jobs.DepthAsync();

        var tries = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => RetryAsync(jobs, id)));

        Assert.Single(tries, tried => tried);
        await jobs.DepthIsAsync(before + 1);
        var queued = await jobs.FindAsync(id);
        Assert.Equal(
            (JobState.Queued, null, null, null, 1, 4),
            (queued.State, queued.Error, queued.ErrorStatus, queued.FinishedAt, queued.Attempt, queued.MaxAttempts));
        var lease = await jobs.ClaimAsync(id);
        Assert.Empty(await jobs.Leases.ClaimAsync(JobServices.Entries(id), "another", Stopping));
        Assert.Equal(JobState.Succeeded, (await jobs.FinishAsync(JobServices.Succeeded(lease, output: 7)))[id]);
        Assert.Equal([7], await jobs.ScalarAsync<byte[]>("SELECT outputs FROM jobs WHERE id = $1", id));
        Assert.False(await RetryAsync(jobs, id));
    }

    [Fact]
    public async Task Job_has_the_time_of_its_first_submission_again_and_the_priority_that_it_may_have()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = (await jobs.AcceptAsync(timeout: TimeSpan.FromMinutes(7))).Id;
        await jobs.Cancellation.CancelAsync(jobs.Tenant, id, Stopping);
        await jobs.ExecuteAsync(
            "UPDATE jobs SET created_at = created_at - interval '1 hour', deadline_at = deadline_at - interval '1 hour' WHERE id = $1", id);
        var now = TimeProvider.System.GetUtcNow();

        Assert.True(await jobs.Get<JobRequeue>().TryAsync(jobs.Tenant, id, Priority.High, Stopping));

        var job = await jobs.FindAsync(id);
        Assert.Equal((JobState.Queued, Priority.High, false), (job.State, job.Priority, job.CancelRequested));
        Assert.InRange(job.DeadlineAt, now + TimeSpan.FromMinutes(7), TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(7));

        // Where Redis loses it, the same request is queued again.
        var stored = RequestCodec.Decode(await jobs.ScalarAsync<byte[]>("SELECT request FROM jobs WHERE id = $1", id));
        Assert.Equal((job.DeadlineAt, Priority.High), (stored.Deadline, stored.Priority));
    }

    [Fact]
    public async Task End_of_an_attempt_from_before_the_retry_changes_nothing()
    {
        await using var jobs = await JobServices.StartAsync(
            servers, options => (options.Lease, options.MaxAttempts) = (TimeSpan.FromMilliseconds(1), 1));
        var id = Assert.Single(await jobs.AcceptAsync(1));
        var slow = await jobs.ClaimAsync(id, "slow");
        await Wait.UntilAsync(async () =>
        {
            await jobs.Reconciler.ReconcileAsync(Stopping);
            return (await jobs.FindAsync(id)).State == JobState.DeadLettered;
        });
        Assert.True(await RetryAsync(jobs, id));

        Assert.Empty(await jobs.FinishAsync(JobServices.Succeeded(slow)));
        Assert.Equal(JobState.Queued, (await jobs.FindAsync(id)).State);
        Assert.Equal(2, (await jobs.ClaimAsync(id, "fresh")).Attempt);
    }

    [Fact]
    public async Task Entry_from_before_the_retry_does_not_bring_the_job_to_a_worker()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = (await jobs.AcceptAsync(timeout: TimeSpan.FromMinutes(7))).Id;
        var before = await jobs.EntryAsync(id);
        await jobs.Cancellation.CancelAsync(jobs.Tenant, id, Stopping);
        Assert.True(await RetryAsync(jobs, id));
        var after = await jobs.EntryAsync(id);

        Assert.Empty(await jobs.Leases.ClaimAsync([JobEntry.Of(before)], "early", Stopping));
        Assert.Single(await jobs.Leases.ClaimAsync([JobEntry.Of(after)], "right", Stopping));
    }

    [Fact]
    public async Task Each_run_is_paid()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = await FailedAsync(jobs);
        Assert.True(await RetryAsync(jobs, id));
        await jobs.FinishAsync(JobServices.Succeeded(await jobs.ClaimAsync(id)));

        Assert.Equal(2L, await jobs.ScalarAsync<long>(
            """
            SELECT (SELECT coalesce(sum(requests), 0) FROM usage_entries WHERE tenant_id = $1)::bigint
                + (SELECT coalesce(sum(requests), 0) FROM usage_hours WHERE tenant_id = $1)::bigint
            """,
            jobs.Tenant));
    }

    [Fact]
    public async Task Request_is_kept_for_a_retry_as_long_as_a_result_would_be()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = await FailedAsync(jobs);
        await jobs.ExecuteAsync("UPDATE jobs SET expires_at = now() - interval '1 second' WHERE id = $1", id);
        await Wait.UntilAsync(async () =>
        {
            await jobs.Reconciler.ReconcileAsync(Stopping);
            return await jobs.ScalarAsync<bool>("SELECT request IS NULL FROM jobs WHERE id = $1", id);
        });

        Assert.False(await RetryAsync(jobs, id));
        Assert.Equal(JobState.Failed, (await jobs.FindAsync(id)).State);
    }

    [Fact]
    public async Task Job_of_another_tenant_is_left_as_it_is()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = await FailedAsync(jobs);

        Assert.False(await jobs.Get<JobRequeue>().TryAsync($"not-{jobs.Tenant}", id, Priority.Low, Stopping));
        Assert.Equal(JobState.Failed, (await jobs.FindAsync(id)).State);
    }

    private static async Task<Guid> FailedAsync(JobServices jobs)
    {
        var id = Assert.Single(await jobs.AcceptAsync(1));
        await jobs.DepthIsAsync(1);
        await jobs.FinishAsync(new JobOutcome(
            await jobs.ClaimAsync(id), JobState.Failed, Outputs: null, "the model failed", 400, BatchSize: 1, TimeSpan.FromMilliseconds(1)));
        return id;
    }

    private static Task<bool> RetryAsync(JobServices jobs, Guid id) =>
        jobs.Get<JobRequeue>().TryAsync(jobs.Tenant, id, Priority.Low, Stopping);
}
