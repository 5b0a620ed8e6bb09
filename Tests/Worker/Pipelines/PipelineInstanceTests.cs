using System.Runtime.InteropServices;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Execution;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Pipelines;

namespace InferenceTemplate.Tests.Worker.Pipelines;

/// <summary>A pipeline answers what its models answer, one after the other.</summary>
public sealed class PipelineInstanceTests
{
    private const int Width = 64;

    private static readonly byte[] FirstLayers = OnnxModel.Layers(3, Width);
    private static readonly byte[] SecondLayers = OnnxModel.Layers(2, Width);

    private static byte[] ToIndex => new OnnxModel()
        .Input("x", OnnxModel.Float, -1).Output("y", OnnxModel.Int64, -1)
        .Constant("ten", [10], 1)
        .Node("Div", ["x", "ten"], ["small"])
        .Node("Cast", ["small"], ["y"], ("to", OnnxModel.Int64))
        .ToBytes();

    private static byte[] Texts => new OnnxModel()
        .Input("x", OnnxModel.Text, -1).Output("y", OnnxModel.Text, -1).Node("Identity", ["x"], ["y"]).ToBytes();

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void Answers_are_those_of_the_models_one_after_the_other_bit_for_bit(int rows)
    {
        using var pipeline = TestPipeline.Open(TestPipeline.Layered, FirstLayers, SecondLayers);
        using var first = TestModels.Open(FirstLayers);
        using var second = TestModels.Open(SecondLayers);
        var input = Noise(rows, seed: 3);

        var between = Bytes(first, [input with { Name = "x" }]).Single();
        var expected = Bytes(second, [new Tensor("x", Datatype.Fp32, [rows, Width], between)]).Single();
        var answers = Bytes(pipeline, [input]);

        Assert.Equal([expected, between], answers);
        Assert.NotEqual(between, expected);
    }

    [Fact]
    public void Step_gets_no_tensor_without_elements_that_its_model_has_not_run_on()
    {
        var (untried, tried) = ("", "");
        string? Refusal(string model, string version, IReadOnlyList<Tensor> inputs)
        {
            var signature = new ModelSignature([new("x", Datatype.Fp32, [-1, Width])], [])
            {
                EmptyTried = model == tried ? [[new("x", 0)]] : [],
            };
            return model == untried || model == tried ? EmptyExtents.Refusal(signature, inputs) : null;
        }

        using var pipeline = TestPipeline.Open(
            TestPipeline.Layered, "m", [TestModels.Open(FirstLayers), TestModels.Open(SecondLayers)], Refusal);
        using var instance = pipeline.CreateInstance();
        Tensor[] none = [Requests.Floats("in", [0, Width])];

        instance.Run([none]).Dispose();
        untried = "a";
        Assert.StartsWith(
            "step 'first': inputs['x'].shape: dimension 0 is 0, and the model did not run on that",
            Assert.Throws<RefusedInputException>(() => instance.Run([none])).Message,
            StringComparison.Ordinal);
        untried = "b";
        var failed = Assert.Throws<StepFailedException>(() => instance.Run([none]));
        Assert.StartsWith("step 'second': inputs['x'].shape: dimension 0 is 0, and", failed.Message, StringComparison.Ordinal);
        Assert.Equal(RunFailure.Input, RunFailures.Classify(failed));
        (untried, tried) = ("", "b");
        instance.Run([none]).Dispose();
        instance.Run([[Noise(2, seed: 1)]]).Dispose();
    }

    [Fact]
    public void Rows_of_a_batch_are_those_of_its_requests()
    {
        using var pipeline = TestPipeline.Open(TestPipeline.Layered, FirstLayers, SecondLayers);
        using var first = TestModels.Open(FirstLayers);
        using var second = TestModels.Open(SecondLayers);
        Tensor[][] batch = [[Noise(2, seed: 1)], [Noise(1, seed: 2)], [Noise(3, seed: 3)]];
        Tensor[][] renamed = [.. batch.Select(b => (Tensor[])[b[0] with { Name = "x" }])];

        var between = Bytes(first, renamed).Single();
        var expected = Bytes(second, [new Tensor("x", Datatype.Fp32, [6, Width], between)]).Single();
        var answers = Bytes(pipeline, batch);

        Assert.Equal([expected, between], answers);
    }

    [Fact]
    public void Texts_go_from_step_to_step_by_request()
    {
        using var pipeline = TestPipeline.Open(TestPipeline.Layered, Texts, Texts);
        using var instance = pipeline.CreateInstance();

        using var outputs = instance.Run([[Text("a", "", "bcd")], [Text("\u00fc")]], [0]);

        Assert.Equal(["a", "", "bcd", "\u00fc"], outputs.Single().GetStringTensorAsArray());
    }

    [Fact]
    public void Step_whose_outputs_nobody_wants_does_not_run()
    {
        // Its second step would fail on this.
        using var pipeline = TestPipeline.Open("""
            {
              "inputs": ["index"],
              "steps": [
                {"name": "round", "model": "a", "version": "1", "inputs": {"x": "index"}},
                {"name": "look", "model": "b", "version": "1", "inputs": {"index": "round.y"}}
              ],
              "outputs": {"value": "look.value", "rounded": "round.y"}
            }
            """, ToIndex, TestModels.Lookup);
        using var instance = pipeline.CreateInstance();
        var input = new Tensor("index", Datatype.Fp32, [1], BitConverter.GetBytes(9_990f));

        using var rounded = instance.Run([[input]], [1]);

        Assert.Equal([999], rounded.Single().GetTensorDataAsSpan<long>().ToArray());
        Assert.Throws<StepFailedException>(() => instance.Run([[input]], [0]));
    }

    [Fact]
    public void Failure_names_its_step_and_is_whose_the_steps_is()
    {
        using var pipeline = TestPipeline.Open(TestPipeline.Lookups, TestModels.Lookup, ToIndex, TestModels.Lookup);
        using var instance = pipeline.CreateInstance();

        using (var found = instance.Run([[Index(4)]]))
        {
            Assert.Equal([40f], found.Single().GetTensorDataAsSpan<float>().ToArray());
        }

        var failed = Assert.Throws<StepFailedException>(() => instance.Run([[Index(10)]]));
        Assert.Equal("look", failed.Step);
        Assert.Equal(RunFailure.Input, RunFailures.Classify(failed));
        Assert.StartsWith("step 'look': operator Gather: ", RuntimeMessage.Of(failed), StringComparison.Ordinal);
        Assert.Equal("step 'look': operator Gather", RuntimeMessage.OperatorOf(failed));
        Assert.Equal(RunFailure.Memory, RunFailures.Classify(new StepFailedException("s", new OversizedBatchException("large"))));
        Assert.Equal(RunFailure.Device, RunFailures.Classify(new StepFailedException("s", new InvalidOperationException())));
    }

    [Fact]
    public void Shape_that_a_step_makes_and_the_next_does_not_declare_is_a_failure_of_the_run()
    {
        // The second adds [1,2] to whatever it gets: ONNX Runtime would warn, and add.
        using var pipeline = TestPipeline.Open(TestPipeline.Layered, TestModels.Echo(OnnxModel.Float), TestModels.Shifted);
        using var instance = pipeline.CreateInstance();

        var failed = Assert.Throws<StepFailedException>(() => instance.Run([[Floats(1, 3)]]));

        Assert.Equal("step 'second': input 'x' is [-1,2], and for this request it is [1,3]", RuntimeMessage.Of(failed));
        Assert.Equal(RunFailure.Input, RunFailures.Classify(failed));
    }

    [Fact]
    public void Step_that_makes_other_rows_of_a_batch_has_its_requests_run_alone()
    {
        using var pipeline = TestPipeline.Open(TestPipeline.Layered, OnnxModel.Total, OnnxModel.Total);
        using var instance = pipeline.CreateInstance();

        var apart = Assert.Throws<UnsplittableOutputException>(() => instance.Run([[Floats(1)], [Floats(1)]]));

        Assert.Equal("step 'first': output 'y' has the shape [1] for 2 rows", apart.Message);
    }

    [Fact]
    public void Run_that_is_ended_says_so_and_the_next_is_none_the_worse()
    {
        using var pipeline = TestPipeline.Open(TestPipeline.Layered, FirstLayers, SecondLayers);
        using var instance = pipeline.CreateInstance();
        using var ended = new CancellationTokenSource();
        ended.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(() => instance.Run([[Noise(1, 1)]], terminate: ended.Token));

        instance.Run([[Noise(1, 1)]]).Dispose();
    }

    private static Tensor Noise(int rows, int seed)
    {
        var random = new Random(seed);
        float[] values = [.. Enumerable.Range(0, rows * Width).Select(_ => (float)random.NextDouble() - 0.5f)];
        return new Tensor("in", Datatype.Fp32, [rows, Width], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    }

    private static Tensor Floats(params long[] shape) =>
        new("in", Datatype.Fp32, shape, new byte[4 * TensorShape.ElementCount(shape)]);

    private static Tensor Index(long index) => new("index", Datatype.Int64, [1], BitConverter.GetBytes(index));

    private static Tensor Text(params string[] texts) => new(
        "in", Datatype.Bytes, [texts.Length],
        texts.SelectMany(t => System.Text.Encoding.UTF8.GetBytes(t) is var b ? BitConverter.GetBytes(b.Length).Concat(b) : []).ToArray());

    private static byte[][] Bytes(ModelSession session, params Tensor[][] batch)
    {
        using var instance = session.CreateInstance();
        using var outputs = instance.Run(batch);
        return [.. outputs.Select(o => o.GetTensorMutableRawData().ToArray())];
    }
}
