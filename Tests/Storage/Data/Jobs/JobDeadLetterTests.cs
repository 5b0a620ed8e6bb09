using InferenceTemplate.Core.Jobs;
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

        Assert.True(await letters.EndAsync(id, "delivered 3 times", Stopping));
        var dead = await jobs.FindAsync(id);
        Assert.Empty(await jobs.Leases.ClaimAsync([id], "worker", Stopping));
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

        Assert.False(await jobs.Get<JobDeadLetters>().EndAsync(id, "delivered 3 times", Stopping));
        Assert.Equal(JobState.Succeeded, (await jobs.FinishAsync(JobServices.Succeeded(lease)))[id]);
    }

    [Fact]
    public async Task Dead_lettered_job_past_its_deadline_is_not_tried_again()
    {
        await using var jobs = await JobServices.StartAsync(servers);
        var id = (await jobs.AcceptAsync(timeout: TimeSpan.FromTicks(10))).Id;
        await jobs.Get<JobDeadLetters>().EndAsync(id, "delivered 3 times", Stopping);

        Assert.False(await jobs.Get<JobDeadLetters>().RequeueAsync(id, Stopping));
    }
}
