using System.Buffers;
using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime.Native;

/// <summary>A native value and, where it lies over managed memory, the pin of that memory: unpinned only after the value is gone.</summary>
internal sealed unsafe class ValueHandle : SafeHandle
{
    private MemoryHandle pin;

    public ValueHandle(nint value, MemoryHandle pin = default) : base(0, ownsHandle: true)
    {
        SetHandle(value);
        this.pin = pin;
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        OrtLibrary.Api->ReleaseValue(handle);
        pin.Dispose();
        return true;
    }
}
