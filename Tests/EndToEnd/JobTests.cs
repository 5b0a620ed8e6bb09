using System.Collections.Concurrent;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Client;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>Three workers, of which a test may kill two, and times short enough to see what is lost come back.</summary>
public sealed class JobPlatform : Platform
{
    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        foreach (var service in builder.Resources.OfType<ProjectResource>().Where(p => p.Name is "api" or "worker").ToList())
        {
            builder.CreateResourceBuilder(service)
                .WithEnvironment("Jobs__Lease", "00:00:02")
                .WithEnvironment("Jobs__RequeueAfter", "00:00:03")
                .WithEnvironment("Jobs__ReconcileInterval", "00:00:00.250")
                .WithEnvironment("Jobs__MaxAttempts", "20");
        }

        var worker = builder.Resources.OfType<ProjectResource>().Single(p => p.Name == "worker");
        builder.CreateResourceBuilder(worker).WithReplicas(3);
    }
}

public sealed class JobTests(JobPlatform platform) : IClassFixture<JobPlatform>
{
    private const int Jobs = 400;
    private const int Inputs = 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_accepted_job_ends_once_and_right_while_processes_are_killed_and_redis_is_emptied()
    {
        Assert.SkipUnless(Directory.Exists("/proc/self"), "Needs Linux's /proc to find the processes that it kills.");
        await CountEndingsAsync();
        var expected = await LabelsAsync();

        var accepted = new ConcurrentDictionary<int, Guid>();
        var submitting = Enumerable.Range(0, 8).Select(lane => SubmitAsync(lane, accepted)).ToList();
        await AcceptedAsync(accepted, 60);
        await Faults.KillAsync(platform, "Worker");
        await AcceptedAsync(accepted, 120);
        await Faults.FlushRedisAsync(platform);
        await AcceptedAsync(accepted, 180);
        await Faults.CrashPostgresAsync(platform);
        await AcceptedAsync(accepted, 240);
        await Faults.KillAsync(platform, "Api");
        await AcceptedAsync(accepted, 300);
        await Faults.KillAsync(platform, "Worker");
        await Faults.FlushRedisAsync(platform);
        await Task.WhenAll(submitting);

        await EndedAsync();
        Assert.Equal(Jobs, accepted.Values.Distinct().Count());
        using var http = platform.Admin();
        var client = new InferenceClient(http);
        foreach (var (index, id) in accepted)
        {
            Assert.Equal(expected[index % Inputs], LabelOf(await client.Jobs.Get(id).ResultAsync(Cancellation)));
        }

        // No row but of these jobs, and none that ended twice.
        await using var database = await platform.DatabaseAsync();
        await using var count = database.CreateCommand(
            "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM job_endings), (SELECT count(DISTINCT id) FROM job_endings)");
        await using var counts = await count.ExecuteReaderAsync(Cancellation);
        Assert.True(await counts.ReadAsync(Cancellation));
        Assert.Equal((Jobs, Jobs, Jobs), (counts.GetInt64(0), counts.GetInt64(1), counts.GetInt64(2)));
    }

    // Answers may get lost with whoever gave them: the key makes the repetition the same job.
    private async Task SubmitAsync(int lane, ConcurrentDictionary<int, Guid> accepted)
    {
        for (var index = lane; index < Jobs; index += 8)
        {
            var wait = Wait.For($"job {index} to be accepted", TimeSpan.FromMinutes(5));
            while (!accepted.ContainsKey(index))
            {
                using var http = platform.Admin();
                try
                {
                    var job = await new InferenceClient(http).Jobs.SubmitAsync(
                        "digits", [Image(index % Inputs)], new() { IdempotencyKey = $"job-{index}" }, Cancellation);
                    accepted[index] = job.Id;
                }
                catch (InferenceException failed) when (failed.Error is InferenceError.Unavailable or InferenceError.Unreachable)
                {
                    // The replica died with the connection, or what it needs is away.
                }

                await wait.PauseAsync();
            }
        }
    }

    private static async Task AcceptedAsync(ConcurrentDictionary<int, Guid> accepted, int count)
    {
        await Wait.UntilAsync(() => accepted.Count >= count, TimeSpan.FromMinutes(5));
    }

    private async Task EndedAsync()
    {
        await using var database = await platform.DatabaseAsync();
        await using var open = database.CreateCommand("SELECT count(*) FROM jobs WHERE state <> 'succeeded'");
        var wait = Wait.For("all jobs to succeed", TimeSpan.FromMinutes(5));
        while ((long)(await open.ExecuteScalarAsync(Cancellation))! > 0)
        {
            await using var wrong = database.CreateCommand(
                "SELECT count(*) FROM jobs WHERE state NOT IN ('queued', 'running', 'succeeded')");
            Assert.Equal(0L, await wrong.ExecuteScalarAsync(Cancellation));
            await wait.PauseAsync();
        }
    }

    /// <summary>Notes every write that leaves a job in a terminal state.</summary>
    private async Task CountEndingsAsync()
    {
        await using var database = await platform.DatabaseAsync();
        await using var command = database.CreateCommand("""
            CREATE TABLE job_endings (id uuid NOT NULL);
            CREATE FUNCTION note_ending() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN INSERT INTO job_endings VALUES (NEW.id); RETURN NULL; END $$;
            CREATE TRIGGER note_ending AFTER INSERT OR UPDATE ON jobs FOR EACH ROW
                WHEN (NEW.state NOT IN ('queued', 'running')) EXECUTE FUNCTION note_ending();
            """);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private async Task<long[]> LabelsAsync()
    {
        using var http = platform.Admin();
        var client = new InferenceClient(http);
        var labels = new long[Inputs];
        for (var i = 0; i < Inputs; i++)
        {
            labels[i] = LabelOf(await client.InferAsync("digits", [Image(i)], cancellationToken: Cancellation));
        }

        return labels;
    }

    private static InferenceTensor Image(int index) => InferenceTensor.Create("image", [1, 8, 8], Digits.HeldOut[index].Pixels);

    private static long LabelOf(InferenceResult result) => result["label"].As<long>()[0];
}
