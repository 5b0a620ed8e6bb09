using Microsoft.ML.OnnxRuntime;

namespace Tests.Offline.OnnxRuntime;

public sealed class OptionsTests
{
    [Fact]
    public void Every_option_is_taken_and_remembered()
    {
        using var options = new SessionOptions
        {
            IntraOpNumThreads = 2,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_PARALLEL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_BASIC,
            EnableMemoryPattern = false,
            EnableCpuMemArena = false,
            LogId = "options",
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        options.AppendExecutionProvider_CPU(useArena: 0);

        using var session = new InferenceSession(Model.PathOf("matmul"), options);
        using var x = OrtValue.CreateTensorValueFromMemory([1f, 0, 0, 0], [1, 4]);
        using var outputs = session.Run(null, ["x"], [x], ["y"]);

        Assert.Equal([1, 10, 100], outputs[0].GetTensorDataAsSpan<float>());
        Assert.Equal((2, 1, ExecutionMode.ORT_PARALLEL), (options.IntraOpNumThreads, options.InterOpNumThreads, options.ExecutionMode));
        Assert.Equal(("options", false, false), (options.LogId, options.EnableMemoryPattern, options.EnableCpuMemArena));
        options.EnableMemoryPattern = options.EnableCpuMemArena = true;
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused_by_name()
    {
        using var options = new SessionOptions();
        Refused("graph_optimization_level", () => options.GraphOptimizationLevel = (GraphOptimizationLevel)55);
        Refused("execution_mode", () => options.ExecutionMode = (ExecutionMode)55);
        Refused("key", () => options.AddSessionConfigEntry("", "value"));
        using var run = new RunOptions();
        Refused("key", () => run.AddRunConfigEntry("", "value"));
        Assert.Equal(GraphOptimizationLevel.ORT_ENABLE_ALL, options.GraphOptimizationLevel);
    }

    [Fact]
    public void Dimension_that_is_fixed_by_name_shows_in_the_signature()
    {
        using var options = new SessionOptions();
        options.AddFreeDimensionOverrideByName("batch", 2);

        using var session = new InferenceSession(Model.PathOf("matmul"), options);

        Assert.Equal([2, 4], session.InputMetadata["x"].Dimensions);
    }

    [Fact]
    public void Run_option_given_by_key_has_its_effect()
    {
        using var session = Model.Open("matmul");
        using var x = OrtValue.CreateTensorValueFromMemory([1f, 0, 0, 0], [1, 4]);
        using var run = new RunOptions();
        run.AddRunConfigEntry("memory.enable_memory_arena_shrinkage", "cpu:0");
        session.Run(run, ["x"], [x], ["y"]).Dispose();

        run.AddRunConfigEntry("memory.enable_memory_arena_shrinkage", "nowhere:0");

        Refused("nowhere", () => session.Run(run, ["x"], [x], ["y"]));
    }

    [Fact]
    public void Profile_and_optimised_graph_are_written_where_told()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var (prefix, optimised) = (Path.Combine(folder.FullName, "profile"), Path.Combine(folder.FullName, "optimised.onnx"));
            using var options = new SessionOptions
            {
                ProfileOutputPathPrefix = prefix,
                EnableProfiling = true,
                OptimizedModelFilePath = optimised,
                LogVerbosityLevel = 1,
            };
            using var session = new InferenceSession(Model.PathOf("matmul"), options);
            using var x = OrtValue.CreateTensorValueFromMemory([1f, 0, 0, 0], [1, 4]);
            using var run = new RunOptions { LogVerbosityLevel = 1 };
            session.Run(run, ["x"], [x], ["y"]).Dispose();

            var profile = session.EndProfiling();

            Assert.StartsWith(prefix, profile);
            Assert.Contains("MatMul", File.ReadAllText(profile));
            using var again = new InferenceSession(optimised);
            Assert.Equal(["x"], again.InputNames);
            options.EnableProfiling = false;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void Memory_is_named_by_allocator_and_device()
    {
        using var cuda = new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, 1, OrtMemType.Default);
        using var pinned = new OrtMemoryInfo("CudaPinned", OrtAllocatorType.DeviceAllocator, 0, OrtMemType.CpuOutput);
        using var session = Model.Open("matmul");

        Assert.Equal(("Cpu", "Cuda", "CudaPinned"), (OrtMemoryInfo.DefaultInstance.Name, cuda.Name, pinned.Name));
        Assert.Equal((1, OrtMemType.Default, OrtAllocatorType.DeviceAllocator), (cuda.Id, cuda.GetMemoryType(), cuda.GetAllocatorType()));
        using var same = new OrtMemoryInfo("Cuda", OrtAllocatorType.DeviceAllocator, 1, OrtMemType.Default);
        Assert.True(cuda.Equals(same) && cuda.GetHashCode() == same.GetHashCode() && !cuda.Equals(pinned) && !cuda.Equals((object?)null));
        Refused("allocator", () => new OrtAllocator(session, cuda));
        Refused("", () => new OrtMemoryInfo("nowhere", OrtAllocatorType.DeviceAllocator, 0, OrtMemType.Default));
    }

    /// <summary>Without CUDA's library nothing of it can succeed, but each function must be the one that misses it.</summary>
    [Fact]
    public void Cuda_options_are_refused_where_its_library_is_not()
    {
        const string Missing = "libonnxruntime_providers_shared.so";
        Assert.SkipWhen(File.Exists(Path.Combine(AppContext.BaseDirectory, Missing)), "CUDA's library is here");
        using var options = new SessionOptions();
        using var cuda = new OrtCUDAProviderOptions();
        Refused(Missing, () => cuda.UpdateOptions(new() { ["device_id"] = "1", ["gpu_mem_limit"] = "1000000" }));
        Refused(Missing, cuda.GetOptions);
        Refused("OrtSessionOptionsAppendExecutionProvider_Cuda", () => options.AppendExecutionProvider_CUDA(cuda));
        Refused("CUDA", () => options.AppendExecutionProvider_CUDA());
        Refused("CUDA", () => SessionOptions.MakeSessionOptionWithCudaProvider());
        Refused("OrtSessionOptionsAppendExecutionProvider_Cuda", () => SessionOptions.MakeSessionOptionWithCudaProvider(cuda));
    }

    [Fact]
    public void Providers_that_are_not_compiled_in_are_refused_by_name()
    {
        using var options = new SessionOptions();
        Refused("Unknown provider name 'NoSuchProvider'", () => options.AppendExecutionProvider("NoSuchProvider"));
        Refused("XNNPACK", () => options.AppendExecutionProvider("XNNPACK", new() { ["intra_op_num_threads"] = "1" }));
    }

    private static void Refused(string text, Func<object> action) =>
        Assert.Contains(text, Assert.Throws<OnnxRuntimeException>(action).Message, StringComparison.OrdinalIgnoreCase);

    private static void Refused(string text, Action action) =>
        Assert.Contains(text, Assert.Throws<OnnxRuntimeException>(action).Message, StringComparison.OrdinalIgnoreCase);
}
