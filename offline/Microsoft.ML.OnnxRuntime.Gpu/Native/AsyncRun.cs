using System.Runtime.InteropServices;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime.Native;

/// <summary>One run on the library's threads, with all that it reads and writes kept alive and in place until it is over.</summary>
internal sealed unsafe class AsyncRun
{
    // Somebody's continuation must not run on, and so keep, a thread of the session.
    private readonly TaskCompletionSource<IReadOnlyCollection<OrtValue>> over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IReadOnlyCollection<OrtValue> results;
    private readonly List<SafeHandle> owners = [];
    private readonly List<GCHandle> pins = [];
    private GCHandle self;

    private AsyncRun(IReadOnlyCollection<OrtValue> results) => this.results = results;

    /// <exception cref="OnnxRuntimeException">The run could not be started, or failed.</exception>
    public static Task<IReadOnlyCollection<OrtValue>> StartAsync(
        SessionHandle session, RunOptions? options,
        nint[] inputNames, IReadOnlyCollection<OrtValue> inputs, nint[] outputNames, IReadOnlyCollection<OrtValue> outputs)
    {
        var run = new AsyncRun(outputs);
        try
        {
            var ins = Pointers(inputs);
            var outs = Pointers(outputs);
            var sessionPointer = run.Borrow(session);
            var optionsPointer = options is null ? 0 : run.Borrow(options);
            run.self = GCHandle.Alloc(run);
            Check(Api->RunAsync(
                sessionPointer, optionsPointer, run.Pin(inputNames), run.Pin(ins), (nuint)ins.Length, run.Pin(outputNames), (nuint)outs.Length,
                run.Pin(outs), &Completed, GCHandle.ToIntPtr(run.self)));
        }
        catch
        {
            run.Release();
            throw;
        }
        return run.over.Task;

        nint[] Pointers(IReadOnlyCollection<OrtValue> values) => [.. values.Select(v => run.Borrow(v.Handle))];
    }

    [UnmanagedCallersOnly]
    private static void Completed(nint user, nint* outputs, nuint count, nint status)
    {
        var run = (AsyncRun)GCHandle.FromIntPtr(user).Target!;
        run.Release();
        try
        {
            Check(status);
            run.over.SetResult(run.results);
        }
        catch (OnnxRuntimeException exception)
        {
            run.over.SetException(exception);
        }
    }

    private nint Borrow(SafeHandle owner)
    {
        var added = false;
        owner.DangerousAddRef(ref added);
        owners.Add(owner);
        return owner.DangerousGetHandle();
    }

    private nint* Pin(nint[] pointers)
    {
        var pin = GCHandle.Alloc(pointers, GCHandleType.Pinned);
        pins.Add(pin);
        return (nint*)pin.AddrOfPinnedObject();
    }

    private void Release()
    {
        owners.ForEach(o => o.DangerousRelease());
        pins.ForEach(p => p.Free());
        if (self.IsAllocated)
            self.Free();
    }
}
