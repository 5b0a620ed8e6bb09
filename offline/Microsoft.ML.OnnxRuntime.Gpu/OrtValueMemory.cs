using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>A tensor's memory in the library, as <see cref="Memory{T}"/>: refused once the value is disposed of.</summary>
internal sealed unsafe class OrtValueMemory<T> : MemoryManager<T> where T : unmanaged
{
    private readonly OrtValue owner;
    private readonly void* data;
    private readonly int length;

    public OrtValueMemory(OrtValue owner)
    {
        this.owner = owner;
        var span = owner.GetTensorMutableDataAsSpan<T>();
        data = Unsafe.AsPointer(ref MemoryMarshal.GetReference(span));
        length = span.Length;
    }

    // Without asking for the span, which would check the owner.
    public override Memory<T> Memory => CreateMemory(length);

    public override Span<T> GetSpan()
    {
        ObjectDisposedException.ThrowIf(owner.Handle.IsClosed, owner);
        return new(data, length);
    }

    // The memory does not move, and its owner is in the caller's hands.
    public override MemoryHandle Pin(int elementIndex = 0) => new((T*)data + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
