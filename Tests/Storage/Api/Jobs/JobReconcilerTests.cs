using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Storage;

[Collection("jobs")]
public sealed class JobReconcilerTests(Servers servers)
{
    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Jobs_that_redis_lost_are_queued_again_once()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        await jobs.Reconciler.ReconcileAsync(Stopping);
        await jobs.AcceptAsync(25);
        await jobs.DepthIsAsync(25);
        await jobs.Reconciler.ReconcileAsync(Stopping);
        var kept = await jobs.DepthAsync();

        await jobs.LoseRedisDataAsync();
        await jobs.Reconciler.ReconcileAsync(Stopping);
        var restored = await jobs.DepthAsync();
        await jobs.Reconciler.ReconcileAsync(Stopping);

        Assert.Equal((25, 25, 25), (kept, restored, await jobs.DepthAsync()));
    }

    [Fact]
    public async Task Job_that_stays_long_in_the_queue_is_put_there_again_and_still_runs_once()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.RequeueAfter = TimeSpan.Zero);
        var id = Assert.Single(await jobs.AcceptAsync(1));
        await jobs.DepthIsAsync(1);

        await jobs.Reconciler.ReconcileAsync(Stopping);

        Assert.True(await jobs.DepthAsync() > 1);
        await jobs.ClaimAsync(id);
        Assert.Empty(await jobs.Leases.ClaimAsync([id], "another", Stopping));
    }

    [Fact]
    public async Task Job_whose_worker_falls_silent_is_queued_again_and_dead_lettered_after_its_last_attempt()
    {
        await using var jobs = await JobServices.StartAsync(
            servers, options => (options.Lease, options.MaxAttempts) = (TimeSpan.FromMilliseconds(1), 2));
        var id = Assert.Single(await jobs.AcceptAsync(1));
        await jobs.DepthIsAsync(1);
        await jobs.LoseRedisDataAsync();

        await jobs.ClaimAsync(id, "first");
        await ReconcileUntilAsync(jobs, id, JobState.Queued);
        var requeued = await jobs.DepthAsync();
        await jobs.ClaimAsync(id, "second");
        await ReconcileUntilAsync(jobs, id, JobState.DeadLettered);

        var job = await jobs.FindAsync(id);
        Assert.Equal(1, requeued);
        Assert.Equal("each of 2 attempts ended with its worker, the last on second", job.Error);
        Assert.NotNull(job.ExpiresAt);
    }

    [Fact]
    public async Task Running_job_that_was_cancelled_ends_with_its_lost_lease()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.Lease = TimeSpan.FromMilliseconds(1));
        var id = Assert.Single(await jobs.AcceptAsync(1));
        await jobs.ClaimAsync(id);
        await jobs.Cancellation.CancelAsync(jobs.Tenant, id, Stopping);

        await ReconcileUntilAsync(jobs, id, JobState.Cancelled);
    }

    [Fact]
    public async Task Job_that_is_cancelled_while_another_worker_rescues_it_does_not_run_again()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.Lease = TimeSpan.FromMilliseconds(1));
        var id = Assert.Single(await jobs.AcceptAsync(1));
        await jobs.ClaimAsync(id, "silent");
        await using var holder = await servers.Database.OpenConnectionAsync(Stopping);
        await using var held = await holder.BeginTransactionAsync(Stopping);
        await using var hold = new NpgsqlCommand("SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE", holder, held)
        {
            Parameters = { new() { Value = id } },
        };
        await hold.ExecuteScalarAsync(Stopping);

        // Both have seen the job run with a lease that has passed; the cancellation is first in line for the row.
        var cancelled = jobs.Cancellation.CancelAsync(jobs.Tenant, id, Stopping);
        await WaitingForAsync(jobs, holder.ProcessID, 1);
        var claimed = jobs.Leases.ClaimAsync([id], "rescuer", Stopping);
        await WaitingForAsync(jobs, holder.ProcessID, 2);
        await jobs.Reconciler.ReconcileAsync(Stopping);
        await held.CommitAsync(Stopping);
        await cancelled;

        Assert.Empty(await claimed);
        await ReconcileUntilAsync(jobs, id, JobState.Cancelled);
        Assert.Empty(await jobs.Leases.ClaimAsync([id], "another", Stopping));
    }

    [Fact]
    public async Task Job_that_nobody_begins_in_time_fails()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = (await jobs.AcceptAsync(timeout: TimeSpan.FromTicks(10))).Id;

        await ReconcileUntilAsync(jobs, id, JobState.Failed);

        var job = await jobs.FindAsync(id);
        Assert.Equal((JobState.Failed, (short?)504), (job.State, job.ErrorStatus));
    }

    [Fact]
    public async Task Model_whose_queue_is_full_holds_up_no_other()
    {
        await using var jobs = await JobServices.StartAsync(servers, queue: options => options.MaxDepth = 3, writing: false);
        var other = $"{jobs.Model}-other";
        var accepted = Enumerable.Range(0, 10).Select(_ => jobs.AcceptAsync()).Append(jobs.AcceptAsync(model: other)).ToList();
        await jobs.Writer.StartAsync(Stopping);
        await Task.WhenAll(accepted);

        // Nothing is dispatched here: what Redis should have is what it lost.
        await jobs.LoseRedisDataAsync(other);
        await jobs.Reconciler.ReconcileAsync(Stopping);

        Assert.Equal((3, 1), (await jobs.DepthAsync(), await jobs.DepthAsync(other)));
    }

    [Fact]
    public async Task Result_is_dropped_after_its_retention_and_the_job_forgotten_as_long_afterwards()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.Retention = TimeSpan.FromHours(1));
        var id = (await jobs.AcceptAsync(key: "k")).Id;
        await jobs.FinishAsync(JobServices.Succeeded(await jobs.ClaimAsync(id)));

        await jobs.Reconciler.ReconcileAsync(Stopping);
        var kept = await jobs.ScalarAsync<long>("SELECT count(outputs) FROM jobs WHERE id = $1", id);
        await jobs.ExecuteAsync("UPDATE jobs SET expires_at = now() - interval '1 minute' WHERE id = $1", id);
        await jobs.Reconciler.ReconcileAsync(Stopping);
        var dropped = await jobs.ScalarAsync<long>("SELECT count(outputs) FROM jobs WHERE id = $1", id);
        var replayed = await jobs.AcceptAsync(key: "k");
        await jobs.ExecuteAsync("UPDATE jobs SET expires_at = now() - interval '61 minutes' WHERE id = $1", id);
        await jobs.Reconciler.ReconcileAsync(Stopping);
        var fresh = await jobs.AcceptAsync(key: "k");

        Assert.Equal((1, 0), (kept, dropped));
        Assert.Equal(id, replayed.Id);
        Assert.Equal(JobAcceptanceOutcome.Accepted, fresh.Outcome);
    }

    [Fact]
    public async Task One_replica_reconciles_at_a_time()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        await using var connection = await servers.Database.OpenConnectionAsync(Stopping);
        await using (var held = await connection.BeginTransactionAsync(Stopping))
        {
            await using var take = connection.CreateCommand();
            take.CommandText = "SELECT pg_advisory_xact_lock(hashtext('inference.jobs.reconciler'))";
            await take.ExecuteNonQueryAsync(Stopping);
            Assert.False(await jobs.Reconciler.ReconcileAsync(Stopping));
        }

        Assert.True(await jobs.Reconciler.ReconcileAsync(Stopping));
    }

    [Fact]
    public async Task Request_that_cannot_be_read_fails_its_job_and_holds_up_no_other()
    {
        await using var jobs = await JobServices.StartAsync(servers, writing: false);
        var accepted = new[] { jobs.AcceptAsync(), jobs.AcceptAsync() };
        await jobs.Writer.StartAsync(Stopping);
        var ids = (await Task.WhenAll(accepted)).Select(a => a.Id).ToArray();
        await jobs.ExecuteAsync("UPDATE jobs SET request = '\\xff', queued_at = NULL WHERE id = $1", ids[0]);
        await jobs.ExecuteAsync("UPDATE jobs SET queued_at = NULL WHERE id = $1", ids[1]);

        await jobs.Reconciler.ReconcileAsync(Stopping);

        Assert.Equal(JobState.Failed, (await jobs.FindAsync(ids[0])).State);
        Assert.Equal(1, await jobs.DepthAsync());
    }

    // Those that wait for a connection's lock, and those that wait for these.
    private static Task WaitingForAsync(JobServices jobs, int holder, long number) => Wait.UntilAsync(
        async () => number == await jobs.ScalarAsync<long>(
            """
            WITH waiting AS (SELECT pid, pg_blocking_pids(pid) AS blockers FROM pg_stat_activity WHERE datname = current_database())
            SELECT count(*) FROM waiting WHERE blockers && (ARRAY[$1] || ARRAY(SELECT pid FROM waiting WHERE $1 = ANY (blockers)))
            """,
            holder));

    private static async Task ReconcileUntilAsync(JobServices jobs, Guid id, JobState state)
    {
        var wait = Wait.For($"the job {id} to be {state}");
        while ((await jobs.FindAsync(id)).State != state)
        {
            await jobs.Reconciler.ReconcileAsync(Stopping);
            await wait.PauseAsync();
        }
    }
}
