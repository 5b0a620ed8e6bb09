using System.Diagnostics;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Direct;
using InferenceTemplate.Tests.Worker.Execution;
using InferenceTemplate.Worker;

[assembly: AssemblyFixture(typeof(Servers))]

namespace InferenceTemplate.Tests.Worker.Batching;

/// <summary>A whole server over a real queue and ONNX Runtime.</summary>
public sealed class ModelServerTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Requests_that_wait_share_a_run_and_each_gets_its_own_rows(Way way)
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Lookup, way: way);
        var sent = new List<Task<InferenceReply>>();
        for (var i = 0; i < 10; i++)
        {
            sent.Add((await model.SendAsync(ServedModel.Index(i, 9 - i))).Reply);
        }

        _ = model.Serve();
        var replies = await Task.WhenAll(sent);

        Assert.Equal(
            Enumerable.Range(0, 10).Select(i => new float[] { 10 * i, 90 - (10 * i) }), replies.Select(r => ServedModel.Floats(r)));
        Assert.All(replies, r => Assert.Equal(ReplyOutcome.Completed, r.Outcome));
        Assert.Contains(20, model.Batches);
        Assert.Equal(0, await EventuallyAsync(model.DepthAsync, 0));
    }

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Tensor_without_elements_is_kept_from_a_model_of_which_nobody_knows_that_it_takes_one(Way way)
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Lookup, way: way);
        var empty = await model.SendAsync(ServedModel.Index());
        var other = await model.SendAsync(ServedModel.Index(3));

        _ = model.Serve();

        var refused = await empty.Reply;
        Assert.Equal(ReplyOutcome.Refused, refused.Outcome);
        Assert.StartsWith("a tensor has no elements, and what the model has been tried on", refused.Error, StringComparison.Ordinal);
        Assert.Equal<float[]>([30], ServedModel.Floats(await other.Reply));
    }

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Culprit_is_found_by_halves_and_no_other_suffers(Way way)
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Lookup, Settings(maxSize: 16), way: way);
        var sent = new List<Task<InferenceReply>>();
        for (var i = 0; i < 16; i++)
        {
            sent.Add((await model.SendAsync(ServedModel.Index(i == 11 ? 99 : i % 10))).Reply);
        }

        _ = model.Serve();
        var replies = await Task.WhenAll(sent);

        Assert.Equal([11], replies.Index().Where(r => r.Item.Outcome == ReplyOutcome.Failed).Select(r => r.Index));
        Assert.StartsWith("the model failed on this input", replies[11].Error, StringComparison.Ordinal);
        Assert.Equal(15, replies.Count(r => r.Outcome == ReplyOutcome.Completed));

        // 16 fail, 8 pass, 8 fail, 4 fail, 4 pass, 2 pass, 2 fail, 1 passes, 1 fails.
        Assert.Equal([1, 2, 4, 8], model.Batches.Order());
        Assert.True(model.IsTrusted);
    }

    [Fact]
    public async Task Ragged_requests_are_padded_where_the_model_says_so_else_run_separately()
    {
        foreach (var (ragged, runs) in new[] { (RaggedShapes.Pad, new[] { 2 }), (RaggedShapes.Separate, [1, 1]) })
        {
            await using var model = await ServedModel.CreateAsync(
                servers, TestModels.RowSums, new ModelSettings { Instances = 1, Batching = new() { Ragged = ragged } });
            var small = await model.SendAsync(Requests.Floats("x", [1, 2], 1, 2));
            var large = await model.SendAsync(Requests.Floats("x", [1, 3], 3, 4, 5));

            _ = model.Serve();

            Assert.Equal<float[]>([3], ServedModel.Floats(await small.Reply));
            Assert.Equal<float[]>([12], ServedModel.Floats(await large.Reply));
            Assert.Equal(runs, model.Batches);
        }
    }

    [Fact]
    public async Task Answer_that_is_as_long_as_its_request_is_never_as_long_as_a_neighbors()
    {
        await using var model = await ServedModel.CreateAsync(
            servers, TestModels.Echo(OnnxModel.Float), new ModelSettings { Instances = 1, Batching = new() { Ragged = RaggedShapes.Pad } });
        var small = await model.SendAsync(Requests.Floats("x", [1, 2], 1, 2));
        var large = await model.SendAsync(Requests.Floats("x", [1, 3], 3, 4, 5));

        _ = model.Serve();

        Assert.Equal(new long[] { 1, 2 }, (await small.Reply).Outputs[0].Shape);
        Assert.Equal<float[]>([1, 2], ServedModel.Floats(await small.Reply));
        Assert.Equal<float[]>([3, 4, 5], ServedModel.Floats(await large.Reply));
        Assert.Equal([1, 1], model.Batches);
    }

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Requests_that_want_different_outputs_share_a_run(Way way)
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Echo(OnnxModel.Float), way: way);
        var one = await model.SendAsync(Requests.Floats("x", [1, 1], 1), outputs: ["z"]);
        var other = await model.SendAsync(Requests.Floats("x", [1, 1], 2), outputs: ["y"]);
        var both = await model.SendAsync(Requests.Floats("x", [1, 1], 3));

        _ = model.Serve();

        Assert.Equal(["z"], (await one.Reply).Outputs.Select(o => o.Name));
        Assert.Equal(["y"], (await other.Reply).Outputs.Select(o => o.Name));
        Assert.Equal(["y", "z"], (await both.Reply).Outputs.Select(o => o.Name).Order(StringComparer.Ordinal));
        Assert.Equal([3], model.Batches);
    }

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Model_whose_outputs_cannot_be_cut_apart_is_soon_run_one_by_one(Way way)
    {
        await using var model = await ServedModel.CreateAsync(servers, OnnxModel.Total, way: way);
        for (var round = 0; round < 2; round++)
        {
            var sent = new List<Task<InferenceReply>>();
            for (var i = 0; i < 4; i++)
            {
                sent.Add((await model.SendAsync(Requests.Floats("x", [1], i))).Reply);
            }

            if (round == 0)
            {
                _ = model.Serve();
            }

            Assert.Equal([0, 1, 2, 3], (await Task.WhenAll(sent)).Select(r => ServedModel.Floats(r)[0]));
        }

        Assert.All(model.Batches, rows => Assert.Equal(1, rows));
        Assert.False(model.IsTrusted);
    }

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task What_one_request_shows_alone_ends_batching_before_two_meet(Way way)
    {
        await using var model = await ServedModel.CreateAsync(servers, OnnxModel.Total, way: way);
        _ = model.Serve();

        Assert.Equal<float[]>([5], ServedModel.Floats(await (await model.SendAsync(Requests.Floats("x", [2], 2, 3))).Reply));

        Assert.False(model.IsTrusted);
    }

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Full_batch_does_not_wait_and_one_that_is_not_full_waits_the_delay(Way way)
    {
        var settings = new ModelSettings { Instances = 1, Batching = new() { MaxSize = 4, MaxDelay = TimeSpan.FromSeconds(3) } };
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Lookup, settings, way: way);
        _ = model.Serve();
        var sent = new List<Task<InferenceReply>>();
        for (var i = 0; i < 6; i++)
        {
            sent.Add((await model.SendAsync(ServedModel.Index(i))).Reply);
        }

        await Task.WhenAll(sent);

        Assert.Equal([4, 2], model.Batches);
    }

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Request_whose_caller_leaves_before_the_run_never_runs(Way way)
    {
        var settings = new ModelSettings { Instances = 1, Batching = new() { MaxSize = 4, MaxDelay = TimeSpan.FromSeconds(3) } };
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Lookup, settings, way: way);
        _ = model.Serve();
        var leaves = await model.SendAsync(ServedModel.Index(1));
        await EventuallyAsync(() => Task.FromResult(model.State.InFlight), 1);

        await model.CancelAsync(leaves.Id);
        var stays = await model.SendAsync(ServedModel.Index(2));

        Assert.Equal<float[]>([20], ServedModel.Floats(await stays.Reply));
        Assert.Equal(0, await EventuallyAsync(model.DepthAsync, 0));
        Assert.Equal([1], model.Batches);
        Assert.False(leaves.Reply.IsCompleted);
    }

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Run_is_ended_when_all_its_callers_have_left(Way way)
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Endless, way: way);
        _ = model.Serve();
        var (id, reply) = await model.SendAsync(Large());
        await EventuallyAsync(() => Task.FromResult(model.Server.Begun), 1);

        await model.CancelAsync(id);

        Assert.Equal(0, await EventuallyAsync(model.DepthAsync, 0));
        Assert.Empty(model.Batches);
        Assert.False(reply.IsCompleted);
        Assert.Equal(ReplyOutcome.Completed, (await (await model.SendAsync(Small())).Reply).Outcome);
    }

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Run_is_ended_when_its_last_deadline_passes(Way way)
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Endless, way: way);
        _ = model.Serve();

        // Long enough to be read before it: what expires in the queue is removed there.
        var (_, reply) = await model.SendAsync(Large(), timeout: TimeSpan.FromSeconds(6));

        Assert.Equal(ReplyOutcome.Expired, (await reply).Outcome);
        Assert.Empty(model.Batches);
    }

    [Fact]
    public async Task Worker_holds_no_more_than_its_instances_run_next_and_one_batch()
    {
        var options = new WorkerOptions { MaxBatchSize = 2, DrainTimeout = TimeSpan.Zero };
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Endless, options: options);
        for (var i = 0; i < 12; i++)
        {
            await model.SendAsync(Large());
        }

        _ = model.Serve();
        await EventuallyAsync(() => Task.FromResult(model.State.InFlight > 0), true);
        var most = 0;
        for (var i = 0; i < 40; i++)
        {
            most = Math.Max(most, model.State.InFlight);
            await Task.Delay(5, Cancellation);
        }

        // One runs, as it has more rows than a batch; beyond it, one is enough for the bound of rows.
        Assert.InRange(most, 1, 5);
    }

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Server_that_has_nothing_in_hand_is_idle(Way way)
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Lookup, way: way);
        _ = model.Serve();
        await (await model.SendAsync(ServedModel.Index(1))).Reply;
        await EventuallyAsync(() => Task.FromResult(model.State.InFlight), 0);
        var before = model.Server.IdleFor;

        await Task.Delay(20, Cancellation);

        Assert.True(model.Server.IdleFor > before);
    }

    internal static Tensor Large(int rows = 4096) => new("x", Datatype.Fp32, [rows, 512], new byte[rows * 512 * 4]);

    internal static Tensor Small() => new("x", Datatype.Fp32, [1, 512], new byte[512 * 4]);

    internal static async Task<T> EventuallyAsync<T>(Func<Task<T>> get, T wanted)
    {
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < Wait.DefaultLimit)
        {
            if (Equals(await get(), wanted))
            {
                return wanted;
            }

            await Task.Delay(25, Cancellation);
        }

        return await get();
    }

    private static ModelSettings Settings(int maxSize) => new() { Instances = 1, Batching = new() { MaxSize = maxSize } };
}
