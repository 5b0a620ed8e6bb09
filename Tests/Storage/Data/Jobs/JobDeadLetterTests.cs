using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Jobs;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

[Collection("jobs")]
public sealed class JobDeadLetterTests(Servers servers)
{
    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Job_that_the_queue_gives_up_is_dead_lettered_and_runs_again_when_an_operator_wants_it()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.MaxAttempts = 1);
        var id = Assert.Single(await jobs.AcceptAsync(1));
        var letters = jobs.Get<JobDeadLetters>();

        Assert.True(await letters.EndAsync(await jobs.EntryAsync(id), "delivered 3 times", Stopping));
        var dead = await jobs.FindAsync(id);
        Assert.Empty(await jobs.Leases.ClaimAsync(JobServices.Entries(id), "worker", Stopping));
        Assert.True(await letters.RequeueAsync(id, Stopping));
        var finished = await jobs.FinishAsync(JobServices.Succeeded(await jobs.ClaimAsync(id)));

        Assert.Equal((JobState.DeadLettered, "delivered 3 times"), (dead.State, dead.Error));
        Assert.Equal(JobState.Succeeded, finished[id]);
        Assert.False(await letters.RequeueAsync(id, Stopping));
    }

    [Fact]
    public async Task Job_that_a_worker_holds_is_not_ended_by_its_dead_letter()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = Assert.Single(await jobs.AcceptAsync(1));
        var lease = await jobs.ClaimAsync(id);

        Assert.False(await jobs.Get<JobDeadLetters>().EndAsync(await jobs.EntryAsync(id), "delivered 3 times", Stopping));
        Assert.Equal(JobState.Succeeded, (await jobs.FinishAsync(JobServices.Succeeded(lease)))[id]);
    }

    [Fact]
    public async Task Entry_of_before_a_retry_does_not_end_the_job_that_was_retried()
    {
        await using var jobs = await JobServices.StartAsync(servers, options => options.MaxAttempts = 1);
        var id = Assert.Single(await jobs.AcceptAsync(1));
        var entry = await jobs.EntryAsync(id);
        await jobs.FinishAsync(new(
            await jobs.ClaimAsync(id), JobState.Failed, null, "out of memory", 500, BatchSize: 1, TimeSpan.FromMilliseconds(1)));
        Assert.True(await jobs.Get<JobRequeue>().TryAsync(jobs.Tenant, id, Priority.Low, Stopping));

        Assert.False(await jobs.Get<JobDeadLetters>().EndAsync(entry, "delivered 3 times", Stopping));
        Assert.Equal(JobState.Queued, (await jobs.FindAsync(id)).State);
        Assert.True(await jobs.Get<JobDeadLetters>().EndAsync(await jobs.EntryAsync(id), "delivered 3 times", Stopping));
    }

    [Fact]
    public async Task Dead_lettered_job_past_its_deadline_is_not_tried_again()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = (await jobs.AcceptAsync(timeout: TimeSpan.FromTicks(10))).Id;
        await jobs.Get<JobDeadLetters>().EndAsync(await jobs.EntryAsync(id), "delivered 3 times", Stopping);

        Assert.False(await jobs.Get<JobDeadLetters>().RequeueAsync(id, Stopping));
    }
}
