using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Execution;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Worker.Batching;

public sealed class JobRunTimeTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Job_whose_run_never_ends_fails_by_a_limit_that_is_named_and_gives_its_instance_back()
    {
        await using var database = await JobCompletionTests.DatabaseAsync(servers);
        await using var model = await ServedModel.CreateAsync(
            servers, TestModels.Endless, jobs: new JobOptions { MaxRunTime = TimeSpan.FromSeconds(1) }, database: database);
        var job = await JobCompletionTests.AcceptAsync(
            servers, database, Options.Create(new QueueOptions()), model.Name, ModelServerTests.Large());

        _ = model.Serve();

        await Wait.UntilAsync(async () => (await StateAsync()).StartsWith("failed", StringComparison.Ordinal));
        Assert.Equal("failed 1 504: the run took longer than a job's may (Jobs:MaxRunTime, 1 s)", await StateAsync());
        var next = await model.SendAsync(ModelServerTests.Small());
        Assert.Equal(ReplyOutcome.Completed, (await next.Reply).Outcome);
        Assert.Equal(0, await model.DepthAsync());

        async Task<string> StateAsync()
        {
            await using var state = database.CreateCommand(
                "SELECT state || ' ' || attempt || ' ' || coalesce(error_status || ': ' || error, '') FROM jobs WHERE id = $1");
            state.Parameters.AddWithValue(job.Id);
            return (string)(await state.ExecuteScalarAsync(Cancellation))!;
        }
    }
}
