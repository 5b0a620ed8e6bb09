using System.Runtime.InteropServices;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Execution;
using InferenceTemplate.Tests.Worker.Inspection;
using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Tests.Worker.Batching;

/// <summary>Callers at the same time get what they would get alone: nobody another's values.</summary>
public sealed class BatchIsolationTests(Servers servers)
{
    [Theory]
    [InlineData("cumsum", 8)]
    [InlineData("cumsum", 64)]
    [InlineData("softmax0", 8)]
    [InlineData("softmax0", 64)]
    [InlineData("center", 8)]
    [InlineData("center", 64)]
    [InlineData("blur-hwc", 8)]
    [InlineData("blur-hwc", 64)]
    [InlineData("unique", 8)]
    [InlineData("unique", 64)]
    [InlineData("tfirst", 8)]
    [InlineData("tfirst", 64)]
    [InlineData("compress", 8)]
    [InlineData("compress", 64)]
    public async Task Model_whose_rows_meet_answers_each_caller_alone(string name, int callers)
    {
        var decision = Decide(name, BatchingMode.Auto);
        var (expected, answers, batches) = await ServeAsync(name, callers, decision.Batched);

        Assert.Equal(expected, answers);
        Assert.False(decision.Batched);
        Assert.Equal(callers, batches.Length);
    }

    [Theory]
    [InlineData("id-fp32", 8)]
    [InlineData("id-fp32", 64)]
    [InlineData("topk5", 8)]
    [InlineData("topk5", 64)]
    public async Task Model_whose_rows_are_independent_is_batched_and_answers_right(string name, int callers)
    {
        var decision = Decide(name, BatchingMode.Auto);
        var (expected, answers, batches) = await ServeAsync(name, callers, decision.Batched);

        Assert.Equal(expected, answers);
        Assert.True(decision.Batched);
        Assert.True(batches.Average() > 1, $"rows by run: {string.Join(", ", batches)}");
    }

    /// <summary>The faults that the tests above would show, had the proof not kept the callers apart.</summary>
    [Theory]
    [InlineData("cumsum")]
    [InlineData("softmax0")]
    [InlineData("center")]
    [InlineData("blur-hwc")]
    public async Task Model_whose_rows_meet_mixes_callers_where_an_administrator_forces_it(string name)
    {
        var decision = Decide(name, BatchingMode.On);
        var (expected, answers, _) = await ServeAsync(name, 8, decision.Batched);

        Assert.True(decision.Batched);
        Assert.Contains("not proven", decision.Reason, StringComparison.Ordinal);
        Assert.NotEqual(expected, answers);
    }

    // As the host of models decides it.
    private static BatchDecision Decide(string name, BatchingMode mode)
    {
        using var session = TestModels.Open(SmallModels.Read(name));
        var version = new ModelVersion
        {
            Model = name,
            Version = "1",
            Platform = ModelRegistry.Platform,
            Sha256 = new string('0', 64),
            Signature = session.Signature,
            BatchProof = SmallModels.Prove(SmallModels.PathOf(name)),
        };
        return BatchDecision.Of(version, new ModelSettings { Batching = new() { Mode = mode } });
    }

    private async Task<(string[] Expected, string[] Answers, int[] Batches)> ServeAsync(string name, int callers, bool batched)
    {
        var content = SmallModels.Read(name);
        using var session = TestModels.Open(content);
        var inputs = Enumerable.Range(0, callers).Select(i => Input(session.Signature.Inputs[0], i)).ToArray();
        var expected = inputs.Select(i => Alone(session, i)).ToArray();

        await using var model = await ServedModel.CreateAsync(servers, content, batched: batched);
        var sent = new List<Task<InferenceReply>>();
        foreach (var input in inputs)
        {
            sent.Add((await model.SendAsync(input)).Reply);
        }

        // All wait by now: what may run together does.
        _ = model.Serve();
        var replies = await Task.WhenAll(sent);
        return (expected, [.. replies.Select(r => Text(r.Outputs.Select(o => (o.Shape, o.Data.ToArray()))))], [.. model.Batches]);
    }

    // Two rows of a caller's own numbers, or more where an open dimension has to be larger.
    private static Tensor Input(TensorSignature declared, int caller)
    {
        long[] shape = [.. declared.Shape.Select((d, i) => d >= 0 ? d : i == 0 ? 2 : 6)];
        var values = Enumerable.Range(0, (int)TensorShape.ElementCount(shape))
            .Select(i => (float)(1 + (i * i % 7)) * (caller + 1)).ToArray();
        return new Tensor(declared.Name, Datatype.Fp32, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    }

    private static string Alone(ModelSession session, Tensor input)
    {
        using var instance = session.CreateInstance();
        using var outputs = instance.Run([[input]]);
        return Text(outputs.Select(o => (o.GetTensorTypeAndShape().Shape, o.GetTensorMutableRawData().ToArray())));
    }

    private static string Text(IEnumerable<(long[] Shape, byte[] Data)> outputs) =>
        string.Join("; ", outputs.Select(o => $"{TensorShape.Format(o.Shape)} {Convert.ToHexString(o.Data)}"));
}
