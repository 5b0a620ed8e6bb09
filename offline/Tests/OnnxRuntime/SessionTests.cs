using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Tests.Offline.OnnxRuntime;

public sealed class SessionTests
{
    private static readonly string[] X = ["x"];
    private static readonly string[] Y = ["y"];

    [Fact]
    public void Session_tells_its_signature_and_metadata()
    {
        using var session = Model.Open("matmul");

        Assert.Equal(X, session.InputNames);
        Assert.Equal(Y, session.OutputNames);
        var input = session.InputMetadata["x"];
        Assert.Equal(OnnxValueType.ONNX_TYPE_TENSOR, input.OnnxValueType);
        Assert.Equal((true, false, typeof(float)), (input.IsTensor, input.IsString, input.ElementType));
        Assert.Equal([-1, 4], input.Dimensions);
        Assert.Equal(["batch", ""], input.SymbolicDimensions);
        Assert.Equal([-1, 3], session.OutputMetadata["y"].Dimensions);

        var model = session.ModelMetadata;
        Assert.Equal(("make_models", "matmul", "test.models", 7), (model.ProducerName, model.GraphName, model.Domain, model.Version));
        Assert.Equal("x times a constant matrix", model.Description);
        Assert.Equal(new Dictionary<string, string> { ["author"] = "the tests", ["größe"] = "klein" }, model.CustomMetadataMap);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(0)]
    public void Run_takes_any_batch_size_where_the_dimension_is_dynamic(int batch)
    {
        using var session = new InferenceSession(File.ReadAllBytes(Model.PathOf("matmul")));
        var rows = Enumerable.Range(0, batch * 4).Select(i => (float)i).ToArray();
        using var x = OrtValue.CreateTensorValueFromMemory(rows, [batch, 4]);

        using var outputs = session.Run(null, X, [x], Y);

        var y = Assert.Single(outputs);
        Assert.Equal([batch, 3], y.GetTensorTypeAndShape().Shape);
        Assert.Equal(Product(rows), y.GetTensorDataAsSpan<float>());
    }

    [Fact]
    public void Run_fills_tensors_that_the_caller_gives()
    {
        using var session = Model.Open("matmul");
        var result = new float[6];
        using var x = OrtValue.CreateTensorValueFromMemory(new float[] { 1, 1, 1, 1, 0, 0, 0, 2 }, [2, 4]);
        using var y = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, result.AsMemory(), [2, 3]);

        session.Run(null, X, [x], Y, [y]);

        Assert.Equal([10, 100, 1000, 8, 80, 800], result);
    }

    [Fact]
    public void Run_reads_a_part_of_larger_memory()
    {
        using var session = Model.Open("matmul");
        using var x = OrtValue.CreateTensorValueFromMemory(
            OrtMemoryInfo.DefaultInstance, new float[] { 9, 9, 1, 0, 0, 0, 9, 9, 9, 9 }.AsMemory(2), [1, 4]);

        using var outputs = session.Run(null, X, [x], Y);

        Assert.Equal([1, 10, 100], outputs[0].GetTensorDataAsSpan<float>());
    }

    [Fact]
    public void Run_reads_unmanaged_memory()
    {
        using var session = Model.Open("matmul");
        var data = Marshal.AllocHGlobal(16);
        Marshal.Copy(new float[] { 0, 1, 0, 0 }, 0, data, 4);
        using (var x = OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [1, 4], data, 16))
        using (var outputs = session.Run(null, X, [x], Y))
            Assert.Equal([2, 20, 200], outputs[0].GetTensorDataAsSpan<float>());
        Marshal.FreeHGlobal(data);
        Assert.Throws<OnnxRuntimeException>(
            () => OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [1, 4], 16, 15));
    }

    [Fact]
    public void Run_reads_and_writes_allocated_memory()
    {
        using var session = Model.Open("matmul");
        using var x = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, TensorElementType.Float, [1, 4]);
        new float[] { 0, 0, 1, 0 }.CopyTo(x.GetTensorMutableDataAsSpan<float>());
        using var allocator = new OrtAllocator(session, OrtMemoryInfo.DefaultInstance);
        using var y = OrtValue.CreateAllocatedTensorValue(allocator, TensorElementType.Float, [1, 3]);

        session.Run(null, X, [x], Y, [y]);

        Assert.Equal([3, 30, 300], y.GetTensorDataAsSpan<float>());
    }

    [Fact]
    public void Bound_values_are_read_and_written_in_place()
    {
        using var session = Model.Open("matmul");
        using var options = new RunOptions();
        var (input, result) = (new float[4], new float[3]);
        using var x = OrtValue.CreateTensorValueFromMemory(input, [1, 4]);
        using var y = OrtValue.CreateTensorValueFromMemory(result, [1, 3]);
        using var binding = session.CreateIoBinding();
        binding.BindInput("x", x);
        binding.BindOutput("y", y);

        foreach (var factor in new[] { 1f, 5f })
        {
            input[0] = factor;
            binding.SynchronizeBoundInputs();
            session.RunWithBinding(options, binding);
            binding.SynchronizeBoundOutputs();
            Assert.Equal([factor, 10 * factor, 100 * factor], result);
        }

        Assert.Equal(Y, binding.GetOutputNames());
        binding.ClearBoundInputs();
        Assert.Throws<OnnxRuntimeException>(() => session.RunWithBinding(options, binding));
    }

    [Fact]
    public void Bound_outputs_of_unknown_shape_are_allocated()
    {
        using var session = Model.Open("matmul");
        using var options = new RunOptions();
        using var x = OrtValue.CreateTensorValueFromMemory(new float[] { 0, 0, 0, 1 }, [1, 4]);
        using var binding = session.CreateIoBinding();
        binding.BindInput("x", x);
        binding.BindOutputToDevice("y", OrtMemoryInfo.DefaultInstance);

        using var outputs = session.RunWithBoundResults(options, binding);

        Assert.Equal([4, 40, 400], outputs[0].GetTensorDataAsSpan<float>());
        Assert.Equal("Cpu", outputs[0].GetTensorMemoryInfo().Name);
        binding.ClearBoundOutputs();
        using var none = binding.GetOutputValues();
        Assert.Empty(none);
    }

    [Fact]
    public void Sequence_outputs_say_what_they_are()
    {
        using var session = Model.Open("sequence");
        using var a = OrtValue.CreateTensorValueFromMemory([1f], [1]);

        using var outputs = session.Run(null, ["a", "b"], [a, a], ["pair"]);

        Assert.Equal(OnnxValueType.ONNX_TYPE_SEQUENCE, outputs[0].OnnxType);
        Assert.False(outputs[0].IsTensor);
        Assert.False(session.OutputMetadata["pair"].IsTensor);
        Assert.Throws<OnnxRuntimeException>(() => session.OutputMetadata["pair"].Dimensions);
        Assert.Throws<OnnxRuntimeException>(() => outputs[0].GetTensorDataAsSpan<float>());
    }

    [Fact]
    public async Task One_session_serves_many_threads()
    {
        using var session = Model.Open("matmul");

        await Parallel.ForAsync(0, 2_000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, (i, _) =>
        {
            float[] rows = [.. Enumerable.Range(i, 4 * (1 + (i % 5))).Select(n => (float)n)];
            using var x = OrtValue.CreateTensorValueFromMemory(rows, [rows.Length / 4, 4]);
            using var outputs = session.Run(null, X, [x], Y);
            Assert.Equal(Product(rows), outputs[0].GetTensorDataAsSpan<float>());
            return ValueTask.CompletedTask;
        });
    }

    private static float[] Product(float[] rows) =>
    [
        .. rows.Chunk(4).SelectMany(row => new[] { 1, 10, 100 }.Select(ten => (row[0] * ten) + (row[1] * 2 * ten) + (row[2] * 3 * ten) + (row[3] * 4 * ten))),
    ];
}
