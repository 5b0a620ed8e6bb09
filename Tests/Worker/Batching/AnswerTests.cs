using System.Runtime.InteropServices;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Execution;

namespace InferenceTemplate.Tests.Worker.Batching;

/// <summary>Answers of every size, and those that are too large, by a real server over a real queue.</summary>
public sealed class AnswerTests(Servers servers)
{
    // The answer of 28.6 MiB that was lost when all of a run were one message.
    private const long Many = 7_500_000;

    [Fact]
    public async Task Large_answer_arrives_whole_and_leaves_nothing_in_redis()
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Allocate);
        _ = model.Serve();

        var (id, reply) = await model.SendAsync(Shape(Many));
        var answer = await reply;

        Assert.Equal((ReplyOutcome.Completed, null), (answer.Outcome, answer.Error));
        Assert.Equal([Many], answer.Outputs[0].Shape);
        Assert.Equal(Many * sizeof(float), answer.Outputs[0].Data.Length);
        Assert.Equal(-1, answer.Outputs[0].Data.Span.IndexOfAnyExcept((byte)0));
        await Wait.UntilAsync(async () => !await servers.Redis.GetDatabase().KeyExistsAsync($"inference:answers:{{{id:N}}}:0"));
    }

    [Fact]
    public async Task Answers_of_every_size_in_one_run_all_arrive()
    {
        await using var model = await ServedModel.CreateAsync(
            servers, TestModels.Echo(OnnxModel.Float), new ModelSettings { Instances = 1, Batching = new() { MaxSize = 64 } });
        int[] lengths = [1, 300, 4_000, 20_000, 1_000_000];
        var sent = new List<(float First, int Length, Task<InferenceReply> Reply)>();
        for (var i = 0; i < 60; i++)
        {
            var values = new float[lengths[i % lengths.Length]];
            Array.Fill(values, i);
            sent.Add((i, values.Length, (await model.SendAsync(Requests.Floats("x", [1, values.Length], values))).Reply));
        }

        _ = model.Serve();
        foreach (var (first, length, reply) in sent)
        {
            var values = ServedModel.Floats(await reply, output: 1);
            Assert.Equal(length, values.Length);
            Assert.Equal(-1, values.AsSpan().IndexOfAnyExcept(first));
        }
    }

    [Fact]
    public async Task Small_answers_beside_large_ones_all_arrive()
    {
        await using var large = await ServedModel.CreateAsync(servers, TestModels.Allocate);
        await using var small = await ServedModel.CreateAsync(servers, TestModels.Lookup);
        _ = large.Serve();
        _ = small.Serve();
        var (larges, smalls) = (new List<Task<InferenceReply>>(), new List<Task<InferenceReply>>());
        for (var i = 0; i < 290; i++)
        {
            if (i % 40 == 0)
            {
                larges.Add((await large.SendAsync(Shape(Many))).Reply);
            }

            smalls.Add((await small.SendAsync(ServedModel.Index(i % 10))).Reply);
        }

        Assert.Equal(
            Enumerable.Range(0, 290).Select(i => 10f * (i % 10)),
            (await Task.WhenAll(smalls)).Select(r => Assert.Single(ServedModel.Floats(r))));
        Assert.All(await Task.WhenAll(larges), r => Assert.Equal(Many * sizeof(float), r.Outputs[0].Data.Length));
    }

    [Fact]
    public async Task Answer_over_the_limit_is_refused_with_both_numbers_and_its_neighbors_are_answered()
    {
        await using var model = await ServedModel.CreateAsync(
            servers, TestModels.Echo(OnnxModel.Float),
            new ModelSettings { Instances = 1, Batching = new() { Ragged = RaggedShapes.Separate } },
            responses: new ResponseOptions { ResponseBytes = 4096 });
        var within = await model.SendAsync(Requests.Floats("x", [1, 512], new float[512]));
        var beyond = await model.SendAsync(Requests.Floats("x", [2, 512], new float[1024]));
        var half = await model.SendAsync(Requests.Floats("x", [2, 512], new float[1024]), outputs: ["z"]);
        _ = model.Serve();

        var refused = await beyond.Reply;

        Assert.Equal(ReplyOutcome.TooLarge, refused.Outcome);
        Assert.Equal("the outputs have 8192 bytes; 4096 are allowed (Limits:ResponseBytes): name fewer in 'outputs'", refused.Error);
        Assert.Equal(ReplyOutcome.Completed, (await within.Reply).Outcome);
        Assert.Equal("z", Assert.Single((await half.Reply).Outputs).Name);
        Assert.Equal([5], model.Batches);
    }

    [Fact]
    public async Task Texts_count_by_their_bytes()
    {
        await using var model = await ServedModel.CreateAsync(
            servers, TestModels.Echo(OnnxModel.Text), responses: new ResponseOptions { ResponseBytes = 1 << 20 });
        _ = model.Serve();

        var within = await (await model.SendAsync(Text(500_000), outputs: ["y"])).Reply;
        var beyond = await (await model.SendAsync(Text(500_000))).Reply;
        var far = await (await model.SendAsync(Text(2_000_000), outputs: ["y"])).Reply;

        Assert.Equal(Text(500_000).Data.ToArray(), Assert.Single(within.Outputs).Data.ToArray());
        Assert.Equal(ReplyOutcome.Completed, beyond.Outcome);
        Assert.Equal((ReplyOutcome.TooLarge, "the outputs have 2000004 bytes; 1048576 are allowed (Limits:ResponseBytes)"),
            (far.Outcome, far.Error));
    }

    [Fact]
    public async Task Memory_that_no_machine_has_is_the_fault_of_the_input_asked_for_once_and_makes_nothing_unhealthy()
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Allocate);
        _ = model.Serve();

        for (var i = 0; i < 6; i++)
        {
            var answer = await (await model.SendAsync(Shape(1_000_000_000_000))).Reply;

            Assert.Equal(ReplyOutcome.Failed, answer.Outcome);
            Assert.Equal("the model needs more memory for this input than there is: 4000000000000 bytes at once", answer.Error);
        }

        Assert.Null(model.State.DeviceFailure);
        Assert.Empty(model.Batches);
        Assert.Equal<float[]>([0, 0], ServedModel.Floats(await (await model.SendAsync(Shape(2))).Reply));
        Assert.Equal(0, await ModelServerTests.EventuallyAsync(model.DepthAsync, 0));
    }

    [Fact]
    public async Task Failure_is_told_by_the_operator_and_the_reason_without_code()
    {
        await using var model = await ServedModel.CreateAsync(servers, TestModels.Lookup);
        _ = model.Serve();

        var answer = await (await model.SendAsync(ServedModel.Index(99))).Reply;

        Assert.StartsWith("the model failed on this input: operator Gather: indices element out of data bounds, idx=99", answer.Error,
            StringComparison.Ordinal);
        Assert.DoesNotContain("onnxruntime", answer.Error, StringComparison.Ordinal);
    }

    private static Tensor Shape(long elements) => new("shape", Datatype.Int64, [1], MemoryMarshal.AsBytes<long>([elements]).ToArray());

    private static Tensor Text(int length)
    {
        var bytes = new byte[sizeof(uint) + length];
        BitConverter.TryWriteBytes(bytes, (uint)length);
        bytes.AsSpan(sizeof(uint)).Fill((byte)'x');
        return new Tensor("x", Datatype.Bytes, [1, 1], bytes);
    }
}
