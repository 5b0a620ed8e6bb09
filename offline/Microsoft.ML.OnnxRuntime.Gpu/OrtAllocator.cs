using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>Gives memory to values: of the process, or of a device that a session uses.</summary>
public unsafe class OrtAllocator : SafeHandle
{
    private readonly SafeHandle? session; // Keeps the session's arena reachable.

    /// <summary>The allocator that the session uses for such memory. To be disposed of before the session.</summary>
    public OrtAllocator(InferenceSession session, OrtMemoryInfo memInfo) : base(0, ownsHandle: true)
    {
        this.session = session.Handle;
        using var owner = new Borrowed(session.Handle);
        using var info = new Borrowed(memInfo);
        OrtLibrary.Check(OrtLibrary.Api->CreateAllocator(owner.Pointer, info.Pointer, out handle));
    }

    private OrtAllocator(nint shared) : base(0, ownsHandle: false) => SetHandle(shared);

    /// <summary>Plain memory of the process.</summary>
    public static OrtAllocator DefaultInstance { get; } = new(OrtLibrary.DefaultAllocator);

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        if (session is not null)
            OrtLibrary.Api->ReleaseAllocator(handle);
        return true;
    }
}
