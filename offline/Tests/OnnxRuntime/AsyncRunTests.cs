using Microsoft.ML.OnnxRuntime;

namespace Tests.Offline.OnnxRuntime;

public sealed class AsyncRunTests
{
    [Fact]
    public async Task Run_fills_the_outputs_and_returns_them()
    {
        using var session = Open(threads: 2);
        using var x = OrtValue.CreateTensorValueFromMemory([1f, 0, 0, 0], [1, 4]);
        using var y = OrtValue.CreateTensorValueFromMemory(new float[3], [1, 3]);

        var outputs = await session.RunAsync(null, ["x"], [x], ["y"], [y]);

        Assert.Same(y, Assert.Single(outputs));
        Assert.Equal([1f, 10, 100], y.GetTensorDataAsSpan<float>());
    }

    [Fact]
    public async Task Runs_may_overlap_and_what_they_use_may_be_disposed_of_meanwhile()
    {
        var session = Open(threads: 2);
        var options = new RunOptions();
        var results = new float[50][];
        var runs = new List<Task>();
        for (var i = 0; i < results.Length; i++)
        {
            var x = OrtValue.CreateTensorValueFromMemory([i, 0f, 0, 0], [1, 4]);
            var y = OrtValue.CreateTensorValueFromMemory(results[i] = new float[3], [1, 3]);
            runs.Add(session.RunAsync(options, ["x"], [x], ["y"], [y]));
            x.Dispose();
            y.Dispose();
        }
        session.Dispose();
        options.Dispose();

        await Task.WhenAll(runs);

        Assert.All(results.Index(), r => Assert.Equal([r.Index, r.Index * 10, r.Index * 100], r.Item));
    }

    [Fact]
    public async Task Failure_of_the_model_is_the_tasks()
    {
        using var options = new SessionOptions { IntraOpNumThreads = 2 };
        using var session = new InferenceSession(Model.PathOf("reshape"), options);
        using var x = OrtValue.CreateTensorValueFromMemory(new float[5], [5]);
        using var shape = OrtValue.CreateTensorValueFromMemory(new long[] { 2, 3 }, [2]);
        using var y = OrtValue.CreateTensorValueFromMemory(new float[6], [2, 3]);

        var error = await Assert.ThrowsAsync<OnnxRuntimeException>(() => session.RunAsync(null, ["x", "shape"], [x, shape], ["y"], [y]));

        Assert.Contains("cannot be reshaped", error.Message);
    }

    [Fact]
    public async Task Session_without_threads_of_its_own_and_counts_that_differ_are_refused()
    {
        using var session = Open(threads: 1);
        using var x = OrtValue.CreateTensorValueFromMemory([1f, 0, 0, 0], [1, 4]);
        using var y = OrtValue.CreateTensorValueFromMemory(new float[3], [1, 3]);

        var error = await Assert.ThrowsAsync<OnnxRuntimeException>(() => session.RunAsync(null, ["x"], [x], ["y"], [y]));
        await Assert.ThrowsAsync<ArgumentException>(() => session.RunAsync(null, ["x"], [x], ["y"], []));

        Assert.Contains("thread", error.Message);
    }

    private static InferenceSession Open(int threads)
    {
        using var options = new SessionOptions { IntraOpNumThreads = threads };
        return new(Model.PathOf("matmul"), options);
    }
}
