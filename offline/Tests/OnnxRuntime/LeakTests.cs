using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Tests.Offline.OnnxRuntime;

/// <summary>Memory of the whole process is the measure, so these run by themselves.</summary>
[CollectionDefinition("OnnxRuntime leaks", DisableParallelization = true)]
[Collection("OnnxRuntime leaks")]
public sealed class LeakTests
{
    private const int Times = 20_000;

    private readonly float[] rows = new float[8 * 4];

    [Fact]
    public void Runs_leave_nothing_behind()
    {
        using var session = Model.Open("matmul");
        using var options = new RunOptions();
        StaysFlat(Times, () =>
        {
            using var x = OrtValue.CreateTensorValueFromMemory(rows, [8, 4]);
            using var outputs = session.Run(options, ["x"], [x], ["y"]);
            _ = outputs[0].GetTensorDataAsSpan<float>()[0];
        });
    }

    [Fact]
    public void Hundred_thousand_runs_of_every_kind_leave_nothing_behind()
    {
        using var session = Model.Open("matmul");
        using var texts = Model.Open("identity_string");
        using var options = new RunOptions();
        var managed = 0L;
        var run = 0;
        StaysFlat(100_000, Run);
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) < managed + (4 << 20), "The managed heap grew by more than 4 MiB.");

        void Run()
        {
            if (run++ == 10_000)
                managed = GC.GetTotalMemory(forceFullCollection: true);
            using var x = OrtValue.CreateTensorValueFromMemory(rows, [8, 4]);
            using var outputs = session.Run(options, ["x"], [x], ["y"]);
            if (run % 10 != 0)
                return;

            using var words = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, [2]);
            words.StringTensorSetElementAt("a text that is too long for the string's own place"u8, 1);
            using var same = texts.Run(options, ["x"], [words], ["y"]);
            _ = same[0].GetStringElementAsSpan(1).Length;
            using var named = session.Run([NamedOnnxValue.CreateFromTensor("x", new DenseTensor<float>(rows, [8, 4]))]);
            _ = named[0].AsTensor<float>()![0, 0];
        }
    }

    [Fact]
    public void Strings_bindings_and_allocations_leave_nothing_behind()
    {
        using var session = Model.Open("matmul");
        using var options = new RunOptions();
        StaysFlat(Times, () =>
        {
            using var texts = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, [2]);
            texts.StringTensorSetElementAt(new string('x', 500).AsSpan(), 1);
            _ = texts.GetStringTensorAsArray();
            using var x = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, TensorElementType.Float, [8, 4]);
            using var binding = session.CreateIoBinding();
            binding.BindInput("x", x);
            binding.BindOutputToDevice("y", OrtMemoryInfo.DefaultInstance);
            using var outputs = session.RunWithBoundResults(options, binding);
            _ = binding.GetOutputNames();
        });
    }

    [Fact]
    public void Failures_leave_nothing_behind()
    {
        using var session = Model.Open("matmul");
        StaysFlat(Times, () =>
        {
            using var flat = OrtValue.CreateTensorValueFromMemory(rows, [32]);
            Assert.Throws<OnnxRuntimeException>(() => session.Run(null, ["x"], [flat], ["y"]));
        });
    }

    [Fact]
    public void Sessions_leave_nothing_behind()
    {
        var model = File.ReadAllBytes(Model.PathOf("matmul"));
        StaysFlat(1_000, () =>
        {
            using var options = new SessionOptions { IntraOpNumThreads = 1, LogId = "leak" };
            options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
            using var session = new InferenceSession(model, options);
            _ = session.ModelMetadata.CustomMetadataMap;
            Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(new byte[] { 1, 2, 3 }, options));
        });
    }

    [Fact]
    public void Values_that_nobody_disposes_of_are_collected_with_their_pins()
    {
        var data = Abandon();
        for (var i = 0; i < 10 && data.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.False(data.IsAlive);

        static WeakReference Abandon()
        {
            var floats = new float[4];
            _ = OrtValue.CreateTensorValueFromMemory(floats, [4]);
            return new WeakReference(floats);
        }
    }

    /// <summary>What leaks, leaks in every round; the runtime's own compiling and heap growth calm down.</summary>
    private static void StaysFlat(int times, Action action)
    {
        var grown = new List<string>();
        var (resident, allocated) = (0L, 0L);
        for (var round = 0; round < 12; round++)
        {
            for (var i = 0; i < times; i++)
                action();
            var (residentNow, allocatedNow) = Memory();

            // The smallest native object takes 32 bytes, so one left behind each time shows.
            if (allocatedNow - allocated < 16 * times && residentNow < resident * 1.05)
                return;
            grown.Add($"{allocatedNow - allocated} bytes of malloc, {residentNow - resident} resident");
            (resident, allocated) = (residentNow, allocatedNow);
        }
        Assert.Fail($"Memory grew in every round of {times}: {string.Join("; ", grown.Skip(1))}.");
    }

    private static (long Resident, long Allocated) Memory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        var libC = NativeLibrary.Load("libc.so.6");
        var heap = Marshal.GetDelegateForFunctionPointer<ReadHeap>(NativeLibrary.GetExport(libC, "mallinfo2"))();
        return (Environment.WorkingSet, (long)(heap.InUse + heap.Mapped));
    }

    private delegate HeapInfo ReadHeap();

    /// <summary>glibc's struct mallinfo2, of which two fields matter: what malloc has given out from its arenas, and by mmap.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 10 * 8)]
    private struct HeapInfo
    {
        [FieldOffset(4 * 8)] public nuint Mapped;
        [FieldOffset(7 * 8)] public nuint InUse;
    }
}
