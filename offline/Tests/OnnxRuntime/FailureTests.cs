using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Tests.Offline.OnnxRuntime;

public sealed class FailureTests
{
    [Fact]
    public void Opening_says_which_file_is_absent() =>
        Fails("NoSuchFile", "/no/such/model.onnx", () => new InferenceSession("/no/such/model.onnx"));

    [Fact]
    public void Opening_refuses_what_is_no_model()
    {
        Fails("InvalidProtobuf", "Failed to load model", () => new InferenceSession("this is no model"u8.ToArray()));
        var half = File.ReadAllBytes(Model.PathOf("matmul"))[..100];
        Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(half));
    }

    [Fact]
    public void Run_fails_when_shapes_do_not_go_together()
    {
        using var session = Model.Open("reshape");
        using var x = OrtValue.CreateTensorValueFromMemory(new float[5], [5]);
        using var shape = OrtValue.CreateTensorValueFromMemory(new long[] { 2, 3 }, [2]);
        Fails("Fail", "cannot be reshaped to the requested shape", () => session.Run(null, ["x", "shape"], [x, shape], ["y"]));

        using var six = OrtValue.CreateTensorValueFromMemory(new float[6], [6]);
        using var outputs = session.Run(null, ["x", "shape"], [six, shape], ["y"]); // The session is none the worse for it.
        Assert.Equal([2, 3], outputs[0].GetTensorTypeAndShape().Shape);
    }

    [Fact]
    public void Run_refuses_wrong_ranks_types_names_and_counts()
    {
        using var session = Model.Open("matmul");
        using var x = OrtValue.CreateTensorValueFromMemory(new float[4], [1, 4]);
        using var flat = OrtValue.CreateTensorValueFromMemory(new float[4], [4]);
        using var doubles = OrtValue.CreateTensorValueFromMemory(new double[4], [1, 4]);
        using var small = OrtValue.CreateTensorValueFromMemory(new float[2], [1, 2]);

        Fails("InvalidArgument", "Invalid rank for input: x", () => session.Run(null, ["x"], [flat], ["y"]));
        Fails("InvalidArgument", "Unexpected input data type", () => session.Run(null, ["x"], [doubles], ["y"]));
        Fails("InvalidArgument", "Input name: 'z' is not in the metadata", () => session.Run(null, ["z"], [x], ["y"]));
        Fails("InvalidArgument", "Output name: 'z' is not in the metadata", () => session.Run(null, ["x"], [x], ["z"]));
        Assert.Throws<OnnxRuntimeException>(() => session.Run(null, ["x"], [x], ["y"], [small]));
        Assert.Throws<ArgumentException>(() => session.Run(null, ["x"], [x, x], ["y"]));
        Assert.Throws<ArgumentException>(() => session.Run(null, ["x"], [x], ["y"], []));
    }

    [Fact]
    public void Values_refuse_memory_and_types_that_do_not_fit()
    {
        Fails("InvalidArgument", "3 elements is less than shape size: 4", () => OrtValue.CreateTensorValueFromMemory(new float[3], [2, 2]));
        Fails("InvalidArgument", "negative", () => OrtValue.CreateTensorValueFromMemory(new float[3], [-1]));
        Fails("InvalidArgument", "System.Decimal is not supported", () => OrtValue.CreateTensorValueFromMemory(new decimal[1], [1]));
        Fails("InvalidArgument", "Strings", () => OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, TensorElementType.String, [1], 16, 16));
        using var floats = OrtValue.CreateTensorValueFromMemory([1f], [1]);
        Fails("InvalidArgument", "does not match the actual type: System.Single", () => floats.GetTensorDataAsSpan<int>().ToArray());
        Assert.Throws<OnnxRuntimeException>(floats.GetStringTensorAsArray);
        Assert.Throws<OnnxRuntimeException>(() => floats.StringTensorSetElementAt("text".AsSpan(), 0));
        using var texts = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, [1]);
        Assert.Throws<OnnxRuntimeException>(() => texts.GetStringElement(1));
    }

    [Fact]
    public void Disposed_objects_are_refused_and_what_was_borrowed_with_them_is_returned()
    {
        using var session = Model.Open("sequence");
        var (a, b) = (OrtValue.CreateTensorValueFromMemory([1f], [1]), OrtValue.CreateTensorValueFromMemory([1f], [1]));
        b.Dispose();
        Assert.Throws<ObjectDisposedException>(() => session.Run(null, ["a", "b"], [a, b], ["pair"]));
        a.Dispose();
        Assert.True(a.Handle.IsClosed);

        var memory = new OrtMemoryInfo(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.DeviceAllocator, 0, OrtMemType.Default);
        memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => OrtValue.CreateTensorValueFromMemory(memory, new float[1].AsMemory(), [1]));
    }

    [Fact]
    public async Task Terminate_ends_a_run_that_would_take_for_ever()
    {
        using var session = Model.Open("loop");
        using var options = new RunOptions();
        using var trips = OrtValue.CreateTensorValueFromMemory([long.MaxValue], []);
        using var start = OrtValue.CreateTensorValueFromMemory([0L], []);

        var run = Task.Run(() => session.Run(options, ["trips", "start"], [trips, start], ["count"]));
        Assert.NotSame(run, await Task.WhenAny(run, Task.Delay(300)));
        options.Terminate = true;
        var error = await Assert.ThrowsAsync<OnnxRuntimeException>(() => run);

        Assert.Contains("terminate", error.Message, StringComparison.OrdinalIgnoreCase);
        options.Terminate = false;
        trips.GetTensorMutableDataAsSpan<long>()[0] = 12;
        using var outputs = session.Run(options, ["trips", "start"], [trips, start], ["count"]);
        Assert.Equal([12L], outputs[0].GetTensorDataAsSpan<long>());
    }

    [Fact]
    public async Task Disposing_during_a_run_waits_for_its_end()
    {
        var session = Model.Open("loop");
        var options = new RunOptions();
        var trips = OrtValue.CreateTensorValueFromMemory([long.MaxValue], []);
        var start = OrtValue.CreateTensorValueFromMemory([0L], []);
        var run = Task.Run(() => session.Run(options, ["trips", "start"], [trips, start], ["count"]));
        await Task.WhenAny(run, Task.Delay(100));

        session.Dispose();
        trips.Dispose();
        start.Dispose();
        await Task.WhenAny(run, Task.Delay(100)); // Over memory that is gone, it would hardly get this far.
        Assert.False(run.IsCompleted);
        options.Terminate = true;

        await Assert.ThrowsAsync<OnnxRuntimeException>(() => run);
        Assert.Throws<ObjectDisposedException>(() => session.Run(null, [], [], ["count"]));
        Assert.Throws<ObjectDisposedException>(() => trips.IsTensor);
        options.Dispose();
        Assert.Throws<ObjectDisposedException>(() => options.Terminate = false);
    }

    private static void Fails(string code, string text, Func<object> action)
    {
        var message = Assert.Throws<OnnxRuntimeException>(action).Message;
        Assert.StartsWith($"[ErrorCode:{code}] ", message);
        Assert.Contains(text, message);
    }
}
