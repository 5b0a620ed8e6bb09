using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Execution;
using InferenceTemplate.Worker;

namespace InferenceTemplate.Tests.Worker.Batching;

/// <summary>Servers that are told to stop, in every state that they can be in.</summary>
public sealed class DrainTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Idle_server_ends_at_once()
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Lookup);
        var serving = model.Serve();

        await model.StopAsync();

        Assert.True(serving.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Server_that_is_stopped_before_it_serves_takes_nothing()
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Lookup);
        await model.SendAsync(ServedModel.Index(1));
        await model.Drain.StoppingAsync(Cancellation);

        await model.Serve();

        Assert.Equal(1, await model.DepthAsync());
        Assert.Empty(model.Batches);
    }

    [Fact]
    public async Task Run_under_way_is_finished_and_what_has_not_begun_goes_to_another_worker()
    {
        var options = new WorkerOptions { MaxBatchSize = 1 };
        await using var first = await ServedModel.CreateAsync(servers, TestModels.Slow(layers: 96), options: options);
        var running = await first.SendAsync(ModelServerTests.Large());
        var waiting = await first.SendAsync(ModelServerTests.Small());
        _ = first.Serve();
        await ModelServerTests.EventuallyAsync(() => Task.FromResult((first.Server.Begun, first.State.InFlight)), (1, 2));

        await first.StopAsync();

        Assert.Equal(ReplyOutcome.Completed, (await running.Reply).Outcome);
        Assert.False(waiting.Reply.IsCompleted);
        Assert.Equal((0, 1L), (first.State.InFlight, await first.DepthAsync()));
        await using var second = await ServedModel.CreateAsync(servers, TestModels.Slow(layers: 24), name: first.Name);
        _ = second.Serve();
        Assert.Equal(ReplyOutcome.Completed, (await waiting.Reply).Outcome);
    }

    [Fact]
    public async Task Request_that_waits_for_company_is_handed_back_rather_than_held()
    {
        var settings = new ModelSettings
        {
            Instances = 1,
            Batching = new() { MaxSize = 8, MaxDelay = TimeSpan.FromMinutes(1) },
        };
        await using var first = await ServedModel.CreateAsync(servers, TestModels.Lookup, settings);
        _ = first.Serve();
        var waiting = await first.SendAsync(ServedModel.Index(4));
        await ModelServerTests.EventuallyAsync(() => Task.FromResult(first.State.InFlight), 1);

        await first.StopAsync();

        Assert.Empty(first.Batches);
        await using var second = await ServedModel.CreateAsync(servers, TestModels.Lookup, name: first.Name);
        _ = second.Serve();
        Assert.Equal<float[]>([40], ServedModel.Floats(await waiting.Reply));
    }

    [Fact]
    public async Task Run_that_outlasts_the_drain_is_ended_and_handed_back()
    {
        var options = new WorkerOptions { DrainTimeout = TimeSpan.FromMilliseconds(50) };
        await using var first = await ServedModel.CreateAsync(servers, TestModels.Endless, options: options);
        _ = first.Serve();
        var (_, reply) = await first.SendAsync(ModelServerTests.Large());
        await ModelServerTests.EventuallyAsync(() => Task.FromResult(first.Server.Begun), 1);

        await first.StopAsync();

        Assert.Empty(first.Batches);
        Assert.Equal((0, 1L), (first.State.InFlight, await first.DepthAsync()));
        await using var second = await ServedModel.CreateAsync(servers, TestModels.Slow(layers: 1), name: first.Name);
        _ = second.Serve();
        Assert.Equal(ReplyOutcome.Completed, (await reply).Outcome);
    }

    [Fact]
    public async Task Drain_of_the_process_stops_every_server_and_waits_for_them()
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Slow(layers: 24));
        var serving = model.Serve();
        var (_, reply) = await model.SendAsync(ModelServerTests.Large());
        await ModelServerTests.EventuallyAsync(() => Task.FromResult(model.Server.Begun), 1);

        await model.Drain.StoppingAsync(Cancellation);

        Assert.True(model.State.Draining);
        Assert.Equal(ReplyOutcome.Completed, (await reply).Outcome);
        await serving;
        Assert.Equal(0, model.State.InFlight);
    }
}
