using System.Diagnostics.Metrics;
using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Jobs;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
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
    public async Task Jobs_that_wait_long_are_queued_again_only_where_entries_were_lost_and_run_once()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.RequeueAfter = TimeSpan.Zero);
        var ids = await jobs.AcceptAsync(5);
        await jobs.DepthIsAsync(5);

        await jobs.Reconciler.ReconcileAsync(Stopping);
        Assert.Equal(5, await jobs.DepthAsync());

        // As a failover does that had not replicated the last second.
        await jobs.LoseEntriesAsync(leave: 2);
        await jobs.Reconciler.ReconcileAsync(Stopping);
        Assert.True(await jobs.DepthAsync() >= 5);
        Assert.Equal(5, (await jobs.Leases.ClaimAsync(JobServices.Entries(ids), "worker", Stopping)).Count);
        Assert.Empty(await jobs.Leases.ClaimAsync(JobServices.Entries(ids), "another", Stopping));
    }

    [Fact]
    public async Task Entry_that_was_lost_is_found_however_much_else_the_queue_holds()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.RequeueAfter = TimeSpan.Zero);
        var ids = await jobs.AcceptAsync(3);
        await jobs.DepthIsAsync(3);
        var queue = jobs.Get<RequestQueue>();
        var running = await jobs.ClaimAsync(ids[0]);
        for (var calls = 0; calls < 20; calls++)
        {
            await queue.EnqueueAsync(await jobs.EntryAsync(ids[0]) with { Id = Guid.NewGuid(), Kind = RequestKind.Call });
        }

        await jobs.LoseEntryAsync(ids[2]);
        await jobs.Reconciler.ReconcileAsync(Stopping);

        Assert.Equal(ids.Order(), (await queue.JobsAsync(new QueueName(jobs.Model, "1"))).Order());
        Assert.Equal(23, await jobs.DepthAsync());
        Assert.Equal(JobState.Succeeded, (await jobs.FinishAsync(JobServices.Succeeded(running)))[ids[0]]);
    }

    [Fact]
    public async Task Job_of_a_version_that_is_deleted_fails_with_that_reason_and_one_that_runs_is_left_to_its_worker()
    {
        await using var jobs = await JobServices.StartAsync(servers, writing: true);
        var ids = await jobs.AcceptAsync(2);
        var lease = await jobs.ClaimAsync(ids[0]);
        await jobs.Reconciler.ReconcileAsync(Stopping);
        Assert.Equal(JobState.Queued, (await jobs.FindAsync(ids[1])).State);

        await jobs.ExecuteAsync("INSERT INTO models (name, settings, created_at, updated_at) VALUES ($1, '{}', now(), now())", jobs.Model);
        await jobs.ExecuteAsync(
            """
            INSERT INTO model_versions (model, version, platform, sha256, size_bytes, signature, registered_at, deleted_at)
            VALUES ($1, '1', 'onnxruntime_onnx', repeat('0', 64), 1, '{"inputs":[],"outputs":[]}', now(), now())
            """,
            jobs.Model);
        await jobs.Reconciler.ReconcileAsync(Stopping);
        var ended = await jobs.FindAsync(ids[1]);
        await jobs.Reconciler.ReconcileAsync(Stopping);

        Assert.Equal(
            (JobState.Failed, (short?)404, $"version 1 of '{jobs.Model}' was deleted before the job could run"),
            (ended.State, ended.ErrorStatus, ended.Error));
        Assert.Equal(ended.FinishedAt, (await jobs.FindAsync(ids[1])).FinishedAt);
        Assert.Empty(await jobs.Leases.ClaimAsync(JobServices.Entries(ids[1]), "late", Stopping));
        Assert.Equal(JobState.Succeeded, (await jobs.FinishAsync(JobServices.Succeeded(lease)))[ids[0]]);
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
    public async Task Lease_that_ran_out_while_postgres_was_away_is_its_holders_to_extend_before_it_is_lost()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var options = Options.Create(new JobOptions { Lease = TimeSpan.FromSeconds(1) });
        var (time, leases) = (new FakeTimeProvider(), new JobLeases(database.Source, options));
        using var reconciler = ReconcilerOf(database, options, time);
        var id = await QueueAsync(database);
        var lease = Assert.Single(await leases.ClaimAsync(JobServices.Entries(id), "holder", Stopping));
        await reconciler.ReconcileAsync(Stopping);
        time.Advance(options.Value.Lease);

        await database.OpenAsync(false);
        Assert.True(Outages.IsDatabaseAway((await Record.ExceptionAsync(() => reconciler.ReconcileAsync(Stopping)))!));
        await database.OpenAsync(true);
        database.Source.Clear();
        await LeaseIsOutAsync();
        await reconciler.ReconcileAsync(Stopping);

        // It was its only attempt.
        Assert.Equal("running", await StateAsync());
        Assert.Equal([id], (await leases.ExtendAsync([lease], Stopping)).Keys);

        // One that nobody extends is lost all the same, and its silent holder's end is none.
        await LeaseIsOutAsync();
        time.Advance(TimeSpan.FromMinutes(10));
        await reconciler.ReconcileAsync(Stopping);
        Assert.Equal("dead_lettered", await StateAsync());
        Assert.Empty(await leases.FinishAsync([JobServices.Succeeded(lease)], Stopping));
        Assert.Equal("dead_lettered", await StateAsync());

        Task LeaseIsOutAsync() => Wait.UntilAsync(() => database.ScalarAsync<bool>("SELECT lease_until < now() FROM jobs"));

        Task<string> StateAsync() => database.ScalarAsync<string>("SELECT state FROM jobs");
    }

    [Fact]
    public async Task Lease_that_ran_out_since_the_clock_of_postgres_was_set_on_is_its_holders_to_extend_before_it_is_lost()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var options = Options.Create(new JobOptions { Lease = TimeSpan.FromSeconds(3) });
        var (time, leases) = (new FakeTimeProvider(), new JobLeases(database.Source, options));
        using var reconciler = ReconcilerOf(database, options, time);
        var id = await QueueAsync(database);
        await reconciler.ReconcileAsync(Stopping);
        time.Advance(TimeSpan.FromMinutes(10));
        await reconciler.ReconcileAsync(Stopping);

        // By the clock of this process no time passes.
        Assert.Single(await leases.ClaimAsync(JobServices.Entries(id), "holder", Stopping));
        await Wait.UntilAsync(() => database.ScalarAsync<bool>("SELECT lease_until < now() FROM jobs"));
        await reconciler.ReconcileAsync(Stopping);
        Assert.Equal("running", await database.ScalarAsync<string>("SELECT state FROM jobs"));

        time.Advance(TimeSpan.FromMinutes(10));
        await reconciler.ReconcileAsync(Stopping);
        Assert.Equal("dead_lettered", await database.ScalarAsync<string>("SELECT state FROM jobs"));
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
        var claimed = jobs.Leases.ClaimAsync(JobServices.Entries(id), "rescuer", Stopping);
        await WaitingForAsync(jobs, holder.ProcessID, 2);
        await jobs.Reconciler.ReconcileAsync(Stopping);
        await held.CommitAsync(Stopping);
        await cancelled;

        Assert.Empty(await claimed);
        await ReconcileUntilAsync(jobs, id, JobState.Cancelled);
        Assert.Empty(await jobs.Leases.ClaimAsync(JobServices.Entries(id), "another", Stopping));
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

    private JobReconciler ReconcilerOf(OwnDatabase database, IOptions<JobOptions> options, TimeProvider time)
    {
        var telemetry = new JobTelemetry(database.Get<IMeterFactory>());
        var signals = new JobSignals(servers.Redis);
        return new JobReconciler(
            database.Source, database.Get<RequestQueue>(), new QueueEpoch(servers.Redis),
            new JobDeadLetters(database.Source, options, signals, telemetry), signals, telemetry, options, time,
            NullLogger<JobReconciler>.Instance);
    }

    // Of one attempt.
    private static async Task<Guid> QueueAsync(OwnDatabase database)
    {
        var id = Guid.NewGuid();
        await database.ExecuteAsync("""
            INSERT INTO jobs (id, tenant_id, model, version, priority, state, attempt, max_attempts, progress, created_at, deadline_at,
                cancel_requested, batch_size, compute_microseconds, queued_at)
            VALUES ($1, 'acme', 'm', '1', 2, 'queued', 0, 1, 0, now(), now() + interval '1 hour', false, 0, 0, now())
            """, id);
        return id;
    }

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
