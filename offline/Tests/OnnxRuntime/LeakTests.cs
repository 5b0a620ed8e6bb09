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

    private static void StaysFlat(int times, Action action)
    {
        for (var i = 0; i < times; i++)
            action();
        var (resident, allocated) = Memory();
        for (var i = 0; i < times; i++)
            action();
        var (residentAfter, allocatedAfter) = Memory();

        // The smallest native object takes 32 bytes, so one left behind each time shows. The rest is for the runtime's own compiling.
        var grown = allocatedAfter - allocated;
        Assert.True(grown < (16 * times) + (512 << 10), $"Native memory grew by {grown} bytes in {times} times.");
        // The managed heap breathes, hence the margin; what malloc does not see, like arenas and pinned arrays, is in here.
        Assert.True(residentAfter < resident * 1.3, $"Resident memory grew from {resident >> 10} to {residentAfter >> 10} KiB.");
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
