using System.Diagnostics.Metrics;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Jobs;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Jobs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace InferenceTemplate.Tests.Worker;

public sealed class JobCompletionTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Job_whose_end_can_not_be_written_is_let_go()
    {
        await using var database = await DatabaseAsync(servers);
        var (bounds, options) = (Options.Create(new QueueOptions()), Options.Create(new JobOptions()));
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var state = new ServingState(TimeProvider.System);

        // Its catalogue has no database: that prices can't be asked for is a failure of which nobody thought.
        using var tracker = new JobLeaseTracker(
            new JobLeases(database, options), JobLeaseTrackerTests.NoCosts(), new JobSignals(servers.Redis),
            new JobTelemetry(services.GetRequiredService<IMeterFactory>()), state, options, TimeProvider.System,
            NullLogger<JobLeaseTracker>.Instance);
        var request = await AcceptAsync(servers, database, bounds);
        var consumer = new QueueConsumer(
            servers.Redis, new QueueWakeup(servers.Redis), new QueueCancellations(servers.Redis), bounds, TimeProvider.System,
            NullLogger<QueueConsumer>.Instance, "w", request.Model, "1");
        var completion = new JobCompletion(tracker, consumer, state, NullLogger<JobCompletion>.Instance);
        var claim = await tracker.ClaimAsync(await consumer.ReadAsync(1));
        Assert.Equal(request.Id, Assert.Single(claim.Ready).Request.Id);
        state.Began(1);

        completion.Complete(claim.Ready, job => new JobResult(job, Answer(job.Request.Id)));
        await completion.WhenCompletedAsync();

        Assert.Empty(consumer.InFlight);
        Assert.Equal(0, state.InFlight);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task End_of_a_job_waits_for_postgres_beyond_its_lease_and_not_for_ever(bool back)
    {
        await using var database = await DatabaseAsync(servers);
        var options = Options.Create(new JobOptions { Lease = TimeSpan.FromSeconds(1) });
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var tracker = new JobLeaseTracker(
            new JobLeases(database, options), JobLeaseTrackerTests.NoCosts(), new JobSignals(servers.Redis),
            new JobTelemetry(services.GetRequiredService<IMeterFactory>()), new ServingState(TimeProvider.System), options, time,
            NullLogger<JobLeaseTracker>.Instance);
        var request = await AcceptAsync(servers, database, Options.Create(new QueueOptions()));
        var job = Assert.Single((await tracker.ClaimAsync([new QueuedRequest("1-0", request, 1)])).Ready);

        await OpenAsync(database, false);
        var finishing = tracker.FinishAsync([new JobResult(job, Outputs: null, "the model failed on it", Status: 400)]);
        time.Advance(JobLeaseTracker.LongestOutage - TimeSpan.FromMinutes(1));
        await Task.WhenAny(finishing, FailsAsync(database));
        Assert.False(finishing.IsCompleted);
        if (back)
        {
            await OpenAsync(database, true);
        }

        await Wait.UntilAsync(() =>
        {
            time.Advance(back ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromMinutes(1));
            return finishing.IsCompleted;
        });

        Assert.Equal(back, await finishing);
        if (!back)
        {
            await OpenAsync(database, true);
        }

        await using var state = database.CreateCommand("SELECT state || ' ' || attempt FROM jobs");
        Assert.Equal(back ? "failed 1" : "running 1", await state.ExecuteScalarAsync(Cancellation));
    }

    // Two connections one after the other, so that what began before has failed by then too.
    private static async Task FailsAsync(NpgsqlDataSource database)
    {
        for (var i = 0; i < 2; i++)
        {
            Assert.NotNull(await Record.ExceptionAsync(async () => await database.OpenConnectionAsync(Cancellation)));
        }
    }

    // Whether anybody may connect; where not, those who are connected are cut off.
    private async Task OpenAsync(NpgsqlDataSource database, bool open)
    {
        var name = new NpgsqlConnectionStringBuilder(database.ConnectionString).Database;
        await using var allow = servers.Database.CreateCommand($"ALTER DATABASE {name} ALLOW_CONNECTIONS {(open ? "true" : "false")}");
        await allow.ExecuteNonQueryAsync(Cancellation);
        if (open)
        {
            database.Clear();
            return;
        }

        await using var end = servers.Database.CreateCommand(
            $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        await end.ExecuteNonQueryAsync(Cancellation);
    }

    [Fact]
    public async Task Job_whose_worker_was_lost_shares_no_run_whichever_entry_brings_it_again()
    {
        await using var database = await DatabaseAsync(servers);
        var options = Options.Create(new JobOptions());
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var tracker = new JobLeaseTracker(
            new JobLeases(database, options), JobLeaseTrackerTests.NoCosts(), new JobSignals(servers.Redis),
            new JobTelemetry(services.GetRequiredService<IMeterFactory>()), new ServingState(TimeProvider.System), options,
            TimeProvider.System, NullLogger<JobLeaseTracker>.Instance);
        var request = await AcceptAsync(servers, database, Options.Create(new QueueOptions()));
        var first = Assert.Single((await tracker.ClaimAsync([new QueuedRequest("1-0", request)])).Ready);
        await using var lost = database.CreateCommand("UPDATE jobs SET state = 'queued', lease_until = NULL WHERE id = $1");
        lost.Parameters.AddWithValue(request.Id);
        await lost.ExecuteNonQueryAsync(Cancellation);

        var again = Assert.Single((await tracker.ClaimAsync([new QueuedRequest("2-0", request)])).Ready);

        Assert.Equal((false, true), (first.RunsAlone, again.RunsAlone));
    }

    [Fact]
    public async Task Run_of_a_delivery_that_was_lost_does_not_end_the_attempt_that_came_after_it()
    {
        await using var database = await DatabaseAsync(servers);
        var options = Options.Create(new JobOptions());
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var tracker = new JobLeaseTracker(
            new JobLeases(database, options), JobLeaseTrackerTests.NoCosts(), new JobSignals(servers.Redis),
            new JobTelemetry(services.GetRequiredService<IMeterFactory>()), new ServingState(TimeProvider.System), options,
            TimeProvider.System, NullLogger<JobLeaseTracker>.Instance);
        var request = await AcceptAsync(servers, database, Options.Create(new QueueOptions()));
        var lost = Assert.Single((await tracker.ClaimAsync([new QueuedRequest("1-0", request)])).Ready);
        await using var requeue = database.CreateCommand("UPDATE jobs SET state = 'queued', lease_until = NULL");
        await requeue.ExecuteNonQueryAsync(Cancellation);
        var again = Assert.Single((await tracker.ClaimAsync([new QueuedRequest("2-0", request)])).Ready);

        Assert.True(await tracker.FinishAsync([new JobResult(lost, Outputs: null, "of the first", Status: 400)]));
        tracker.Abandon([lost]);
        await using var state = database.CreateCommand("SELECT state || ' ' || attempt || ' ' || coalesce(error, '') FROM jobs");
        Assert.Equal("running 2 ", await state.ExecuteScalarAsync(Cancellation));

        Assert.True(await tracker.FinishAsync([new JobResult(again, Outputs: null, "of the second", Status: 400)]));
        Assert.Equal("failed 2 of the second", await state.ExecuteScalarAsync(Cancellation));
    }

    [Theory]
    [InlineData("claim")]
    [InlineData("return")]
    public async Task Job_whose_claim_or_return_lost_its_answer_or_way_pays_no_attempt(string lost)
    {
        await using var database = await DatabaseAsync(servers);
        await using var way = new LossyConnection(new NpgsqlConnectionStringBuilder(servers.ConnectionString)
        {
            Database = new NpgsqlConnectionStringBuilder(database.ConnectionString).Database,
        }.ConnectionString);
        var options = Options.Create(new JobOptions { Lease = TimeSpan.FromMinutes(10) });
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var tracker = new JobLeaseTracker(
            new JobLeases(way.Source, options), JobLeaseTrackerTests.NoCosts(), new JobSignals(servers.Redis),
            new JobTelemetry(services.GetRequiredService<IMeterFactory>()), new ServingState(TimeProvider.System), options,
            TimeProvider.System, NullLogger<JobLeaseTracker>.Instance);
        var request = await AcceptAsync(servers, database, Options.Create(new QueueOptions()));
        await using var one = database.CreateCommand("UPDATE jobs SET max_attempts = 1");
        await one.ExecuteNonQueryAsync(Cancellation);

        // A connection that is open, so that it is the claim whose answer is lost.
        await tracker.ClaimAsync([new QueuedRequest("0-0", request with { Id = Guid.NewGuid() })]);
        var job = new QueuedRequest("1-0", request);
        if (lost == "claim")
        {
            way.LoseNextAnswer();
            Assert.Equal([job], (await tracker.ClaimAsync([job])).Postponed);
        }
        else
        {
            Assert.Equal([job], (await tracker.ClaimAsync([job])).Ready);
            way.Refuse(true);
            Assert.NotNull(await Record.ExceptionAsync(() => tracker.ReturnAsync([job])));
            way.Refuse(false);
        }

        JobClaim again = new([], [], []);
        await Wait.UntilAsync(async () => (again = await tracker.ClaimAsync([new QueuedRequest("1-0", request)])).Postponed.Count == 0);

        Assert.Equal(request.Id, Assert.Single(again.Ready).Request.Id);
        Assert.True(await tracker.FinishAsync([new JobResult(again.Ready[0], Outputs: null, "for the test", Status: 400)]));
        await using var state = database.CreateCommand("SELECT state FROM jobs");
        Assert.Equal("failed", await state.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task Job_that_is_cancelled_while_it_runs_ends_its_run()
    {
        await using var database = await DatabaseAsync(servers);
        var options = Options.Create(new JobOptions { Lease = TimeSpan.FromSeconds(1) });
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var tracker = new JobLeaseTracker(
            new JobLeases(database, options), JobLeaseTrackerTests.NoCosts(), new JobSignals(servers.Redis),
            new JobTelemetry(services.GetRequiredService<IMeterFactory>()), new ServingState(TimeProvider.System), options,
            TimeProvider.System, NullLogger<JobLeaseTracker>.Instance);
        await tracker.StartAsync(Cancellation);
        var request = await AcceptAsync(servers, database, Options.Create(new QueueOptions()));
        var job = Assert.Single((await tracker.ClaimAsync([new QueuedRequest("1-0", request, 1)])).Ready);
        var ended = new TaskCompletionSource();
        using var run = QueueConsumer.OnAbandoned([job], ended.SetResult);

        await using var cancel = database.CreateCommand("UPDATE jobs SET cancel_requested = true WHERE id = $1");
        cancel.Parameters.AddWithValue(request.Id);
        await cancel.ExecuteNonQueryAsync(Cancellation);

        await ended.Task.WaitAsync(Wait.DefaultLimit, Cancellation);
        Assert.True(job.IsCancelled);
        await tracker.StopAsync(Cancellation);
    }

    private static byte[] Answer(Guid job)
    {
        var reply = new ReplyBatch();
        reply.Add(job, ReplyOutcome.Completed, null, default, default, 1, "w", outputs: 1);
        reply.AddOutput("y", Datatype.Uint8, [1, 1], [4]);
        return reply.ToMessage();
    }

    /// <summary>A job that is in the table and in the queue.</summary>
    internal static async Task<InferenceRequest> AcceptAsync(
        Servers servers, NpgsqlDataSource database, IOptions<QueueOptions> bounds, string? model = null, Tensor? input = null)
    {
        var now = DateTimeOffset.UtcNow;
        var request = new InferenceRequest(
            Guid.CreateVersion7(), model ?? $"m{Guid.NewGuid():N}", "1", "default", RequestKind.Job, Priority.Low, "", now, now.AddHours(1),
            null, null, [], [input ?? new Tensor("x", Datatype.Uint8, [1, 1], new byte[] { 1 })]);
        await using var insert = database.CreateCommand(
            """
            INSERT INTO jobs (id, tenant_id, model, version, priority, state, attempt, max_attempts, request, progress, created_at,
                deadline_at, cancel_requested, batch_size, compute_microseconds)
            VALUES ($1, 'default', $2, '1', 2, 'queued', 0, 3, $3, 0, now(), $4, false, 0, 0)
            """);
        insert.Parameters.AddWithValue(request.Id);
        insert.Parameters.AddWithValue(request.Model);
        insert.Parameters.AddWithValue(RequestCodec.Encode(request));
        insert.Parameters.AddWithValue(request.Deadline);
        await insert.ExecuteNonQueryAsync(Cancellation);
        Assert.Equal(
            EnqueueOutcome.Enqueued, (await new RequestQueue(servers.Redis, bounds, TimeProvider.System).EnqueueAsync(request)).Outcome);
        return request;
    }

    internal static async Task<NpgsqlDataSource> DatabaseAsync(Servers servers)
    {
        var name = $"own_{Guid.NewGuid():N}";
        await using (var create = servers.Database.CreateCommand($"CREATE DATABASE {name}"))
        {
            await create.ExecuteNonQueryAsync(Cancellation);
        }

        var database = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(servers.ConnectionString) { Database = name }.ConnectionString);
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddCore()
            .AddData()
            .AddSingleton(database)
            .AddSingleton(servers.Redis)
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
            .BuildServiceProvider();
        await services.GetRequiredService<SchemaMigrator>().MigrateAsync(Cancellation);
        return database;
    }
}
