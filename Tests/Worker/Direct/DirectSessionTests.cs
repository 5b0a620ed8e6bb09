using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Batching;
using InferenceTemplate.Tests.Worker.Execution;
using InferenceTemplate.Worker;

namespace InferenceTemplate.Tests.Worker.Direct;

/// <summary>What a worker promises to the replicas that are connected to it directly.</summary>
public sealed class DirectSessionTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Replica_without_the_secret_gets_nothing_and_is_disconnected()
    {
        await using var model = await ServeAsync();

        using var stranger = await DirectReplica.ConnectAsync(model.Listener.Endpoint!, secret: "some other secret that is long enough");

        await stranger.Closed.WaitAsync(Wait.DefaultLimit, Cancellation);
        Assert.Equal([FrameType.Hello], stranger.Frames.Select(f => f.Type));
    }

    [Fact]
    public async Task Frame_over_the_limit_ends_its_connection_and_no_other()
    {
        await using var model = await ServeAsync();
        using var broken = await DirectReplica.ConnectAsync(model.Listener.Endpoint!);
        await broken.ServesAsync(model.Name);

        await broken.SendAsync([.. BitConverter.GetBytes(int.MaxValue), (byte)FrameType.Request]);

        await broken.Closed.WaitAsync(Wait.DefaultLimit, Cancellation);
        Assert.Equal<float[]>([10], ServedModel.Floats(await (await model.SendAsync(ServedModel.Index(1))).Reply));
    }

    [Fact]
    public async Task Request_for_a_model_that_is_not_open_comes_back_at_once()
    {
        await using var model = await ServeAsync();
        var request = Request("other");

        await model.Replica.SendAsync(request);

        await Wait.UntilAsync(() => model.Replica.Returned.Any());
        Assert.Equal(new DirectReturn(request.Id, null), model.Replica.Returned.Single());
    }

    [Fact]
    public async Task Bound_of_requests_holds_exactly_over_all_replicas()
    {
        await using var model = await ServeAsync(bounds: new QueueOptions { MaxDepth = 10 }, hold: true);
        using var other = await DirectReplica.ConnectAsync(model.Listener.Endpoint!);
        await other.ServesAsync(model.Name);
        List<DirectReplica> replicas = [model.Replica, other];

        await Task.WhenAll(replicas.Select(r => r.SendAsync(Enumerable.Range(0, 20).Select(_ => Request(model.Name)))));

        await Wait.UntilAsync(() => replicas.Sum(r => r.Refused.Count()) == 30);
        Assert.All(
            replicas.SelectMany(r => r.Refused), r => Assert.Equal((EnqueueOutcome.Full, 10L), (r.Admission.Outcome, r.Admission.Depth)));
        Assert.Equal(10, await model.DepthAsync());
    }

    [Fact]
    public async Task Bound_of_bytes_holds_and_a_worker_with_others_beside_it_takes_its_share()
    {
        var size = RequestCodec.Encode(Request(new string('m', 33))).Length;
        await using var model = await ServeAsync(bounds: new QueueOptions { MaxBytes = 4 * size }, hold: true);

        await model.Replica.SendAsync(Enumerable.Range(0, 6).Select(_ => Request(model.Name)));

        await Wait.UntilAsync(() => model.Replica.Refused.Count() == 2);
        Assert.All(model.Replica.Refused, r => Assert.Equal((EnqueueOutcome.FullOfBytes, 4L), (r.Admission.Outcome, r.Admission.Depth)));
    }

    [Fact]
    public async Task Shadow_requests_get_half_of_the_bounds()
    {
        await using var model = await ServeAsync(bounds: new QueueOptions { MaxDepth = 10 }, hold: true);

        await model.Replica.SendAsync(Enumerable.Range(0, 8).Select(_ => Request(model.Name, Priority.Shadow)));
        await Wait.UntilAsync(() => model.Replica.Refused.Count() == 3);
        await model.Replica.SendAsync(Enumerable.Range(0, 8).Select(_ => Request(model.Name)));

        await Wait.UntilAsync(() => model.Replica.Refused.Count() == 6);
        Assert.Equal(10, await model.DepthAsync());
    }

    [Fact]
    public async Task Requests_of_a_replica_that_is_gone_do_not_run()
    {
        await using var model = await ServeAsync(hold: true);
        using var leaver = await DirectReplica.ConnectAsync(model.Listener.Endpoint!);
        await leaver.ServesAsync(model.Name);
        await leaver.SendAsync(Request(model.Name));
        await Wait.UntilAsync(async () => await model.DepthAsync() == 1);

        leaver.Dispose();

        await Wait.UntilAsync(async () => await model.DepthAsync() == 0);
        Assert.Equal(0, model.State.InFlight);
        Assert.Empty(model.Batches);
    }

    [Fact]
    public async Task Requests_before_a_frame_that_can_not_be_read_leave_their_places()
    {
        await using var model = await ServeAsync(hold: true);
        using var wrong = await DirectReplica.ConnectAsync(model.Listener.Endpoint!);
        await wrong.ServesAsync(model.Name);

        await wrong.SendAsync([
            .. DirectReplica.Bytes(FrameType.Request, RequestCodec.Encode(Request(model.Name))),
            .. DirectReplica.Bytes(FrameType.Request, [1, 2, 3])]);

        await wrong.Closed.WaitAsync(Wait.DefaultLimit, Cancellation);
        await Wait.UntilAsync(async () => await model.DepthAsync() == 0);
        Assert.Equal(0, model.State.InFlight);
    }

    [Fact]
    public async Task Drain_tells_replicas_finishes_what_runs_and_returns_the_rest()
    {
        var options = new WorkerOptions { MaxBatchSize = 1 };
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Slow(layers: 96), options: options, way: Way.Direct);
        _ = model.Serve();
        var running = await model.SendAsync(ModelServerTests.Large());
        await Wait.UntilAsync(() => model.Server.Begun == 1);
        var waiting = await model.SendAsync(ModelServerTests.Small());
        await Wait.UntilAsync(async () => await model.DepthAsync() == 2);

        await model.Drain.StoppingAsync(Cancellation);

        Assert.Equal(ReplyOutcome.Completed, (await running.Reply).Outcome);
        await Wait.UntilAsync(() => model.Replica.Returned.Any());
        Assert.Equal(new DirectReturn(waiting.Id, null), model.Replica.Returned.Single());
        Assert.Single(model.Replica.Of(FrameType.GoAway));
        Assert.Empty(model.Replica.Serves);
        Assert.Equal(0, model.State.InFlight);

        // Whoever has not heard of it yet gets his request back.
        var late = Request(model.Name);
        await model.Replica.SendAsync(late);
        await Wait.UntilAsync(() => model.Replica.Returned.Any(r => r.Id == late.Id));
    }

    [Fact]
    public async Task Request_that_was_with_a_worker_before_runs_alone()
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Lookup, way: Way.Direct);
        _ = model.Serve();
        await model.Replica.ServesAsync(model.Name);
        List<InferenceRequest> requests =
            [.. Enumerable.Range(0, 4).Select(i => Request(model.Name) with { EarlierDeliveries = i == 2 ? 1 : 0 })];

        await model.Replica.SendAsync(requests);
        await Task.WhenAll(requests.Select(r => model.Replica.ReplyTo(r.Id).WaitAsync(Wait.DefaultLimit, Cancellation)));

        Assert.Equal(1, (await model.Replica.ReplyTo(requests[2].Id)).BatchSize);
        Assert.Contains(model.Batches, rows => rows > 1);
    }

    [Fact]
    public async Task Answer_larger_than_the_replica_reads_is_the_word_for_that()
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Echo(OnnxModel.Float), way: Way.Direct);
        _ = model.Serve();
        using var narrow = await DirectReplica.ConnectAsync(model.Listener.Endpoint!, maxFrame: 100_000);
        await narrow.ServesAsync(model.Name);
        var request = Request(model.Name) with { Inputs = [Requests.Floats("x", [1, 50_000], new float[50_000])] };

        await narrow.SendAsync(request);

        var reply = await narrow.ReplyTo(request.Id).WaitAsync(Wait.DefaultLimit, Cancellation);
        Assert.Equal(ReplyOutcome.TooLarge, reply.Outcome);
        Assert.Contains("100000 are allowed", reply.Error, StringComparison.Ordinal);
    }

    // Buffers of answers, and lists of what came, are used again by one run and one read after the other.
    [Fact]
    public async Task Callers_get_their_own_bytes_and_no_others_while_some_cancel_are_late_or_leave()
    {
        int[] lengths = [1, 7, 300, 20_000];
        await using var model = await ServedModel.CreateAsync(
            servers, TestModels.Echo(OnnxModel.Float), new ModelSettings { Instances = 2, Batching = new() { MaxSize = 16 } },
            way: Way.Direct);
        _ = model.Serve();
        using var other = await DirectReplica.ConnectAsync(model.Listener.Endpoint!);
        using var leaver = await DirectReplica.ConnectAsync(model.Listener.Endpoint!);
        DirectReplica[] replicas = [model.Replica, other, leaver];
        var values = new Dictionary<Guid, (float Value, int Length)>();
        var sent = replicas.ToDictionary(r => r, _ => new Dictionary<Guid, ReplyOutcome?>());
        await Task.WhenAll(replicas.Select(r => r.ServesAsync(model.Name)));
        for (var turn = 0; turn < 60; turn++)
        {
            var replica = replicas[turn % (turn < 30 ? 3 : 2)];
            List<InferenceRequest> requests = [];
            for (var i = 0; i < 10; i++)
            {
                var (value, length, now) = ((turn * 10) + i, lengths[(turn + i) % lengths.Length], DateTimeOffset.UtcNow);
                var request = Request(model.Name) with
                {
                    Inputs = [Requests.Floats("x", [1, length], [.. Enumerable.Repeat((float)value, length)])],
                    Deadline = i == 3 ? now : now.AddMinutes(10),
                };
                values[request.Id] = (value, length);
                sent[replica][request.Id] = i switch { 3 => ReplyOutcome.Expired, 5 => null, _ => ReplyOutcome.Completed };
                requests.Add(request);
            }

            await replica.SendAsync(requests);
            await replica.CancelAsync(requests[5].Id);
            if (turn == 29)
            {
                leaver.Dispose();
            }
        }

        foreach (var replica in replicas[..2])
        {
            foreach (var (id, outcome) in sent[replica].Where(s => s.Value is not null))
            {
                Assert.Equal(outcome, (await replica.ReplyTo(id).WaitAsync(Wait.DefaultLimit, Cancellation)).Outcome);
            }
        }

        foreach (var replica in replicas)
        {
            foreach (var reply in replica.Of(FrameType.Replies).SelectMany(f => ReplyBatch.Read(f.Payload)))
            {
                Assert.Contains(reply.Id, sent[replica].Keys);
                Assert.All(reply.Outputs, (_, output) =>
                {
                    var floats = ServedModel.Floats(reply, output);
                    Assert.Equal(values[reply.Id].Length, floats.Length);
                    Assert.Equal(-1, floats.AsSpan().IndexOfAnyExcept(values[reply.Id].Value));
                });
            }
        }
    }

    [Fact]
    public async Task Pong_tells_how_the_queues_stand()
    {
        await using var model = await ServeAsync(hold: true);
        await model.Replica.SendAsync(Request(model.Name));
        await Wait.UntilAsync(async () => await model.DepthAsync() == 1);

        await model.Replica.SendAsync(FrameType.Ping, []);

        await Wait.UntilAsync(() => model.Replica.Of(FrameType.Pong).Any());
        var standing = DirectMessages.DecodePong(model.Replica.Of(FrameType.Pong).First().Payload).Single();
        Assert.Equal((new QueueName(model.Name, "1"), 1L, 0L), (standing.Queue, standing.Depth, standing.Removed));
        Assert.True(standing.Bytes > 0);
    }

    /// <param name="hold">Whether what comes waits for company, for longer than any test.</param>
    private async Task<ServedModel> ServeAsync(QueueOptions? bounds = null, bool hold = false)
    {
        var settings = new ModelSettings
        {
            Instances = 1,
            Batching = hold ? new() { MaxSize = 1000, PreferredSizes = [1000], MaxDelay = TimeSpan.FromMinutes(5) } : new(),
        };
        var model = await ServedModel.CreateAsync(servers, TestModels.Lookup, settings, bounds: bounds, way: Way.Direct);
        _ = model.Serve();
        await model.Replica.ServesAsync(model.Name);
        return model;
    }

    private static InferenceRequest Request(string model, Priority priority = Priority.Normal)
    {
        var now = DateTimeOffset.UtcNow;
        return new InferenceRequest(
            Guid.NewGuid(), model, "1", "default", RequestKind.Call, priority, "replica", now, now.AddMinutes(10), null, null, [],
            [ServedModel.Index(1)]);
    }
}
