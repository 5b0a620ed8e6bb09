using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>Gives memory to values: of the process, or of a device that a session uses.</summary>
public unsafe class OrtAllocator : SafeHandle
{
    /// <summary>The allocator that the session uses for such memory. To be disposed of before the session.</summary>
    public OrtAllocator(InferenceSession session, OrtMemoryInfo memInfo) : base(0, ownsHandle: true)
    {
        using var owner = new Borrowed(session.Handle);
        using var info = new Borrowed(memInfo);
        Check(Api->CreateAllocator(owner.Pointer, info.Pointer, out handle));
    }

    private OrtAllocator(nint shared) : base(0, ownsHandle: false) => SetHandle(shared);

    /// <summary>Plain memory of the process.</summary>
    public static OrtAllocator DefaultInstance { get; } = new(DefaultAllocator);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => Calls.Release(Api->ReleaseAllocator, handle);
}
