using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace InferenceTemplate.Worker.Execution;

/// <summary>Memory that ONNX Runtime may read in place; grows to the largest batch and is used again for each.</summary>
internal sealed class PinnedBuffer
{
    private byte[] _bytes = [];

    public Span<byte> Take(int length)
    {
        if (_bytes.Length < length)
        {
            _bytes = GC.AllocateUninitializedArray<byte>(Math.Max(length, 2 * _bytes.Length), pinned: true);
        }

        return _bytes.AsSpan(0, length);
    }

    /// <summary>Stays valid until the next <see cref="Take"/>: the array is pinned for its life.</summary>
    public unsafe nint Address => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_bytes));
}
