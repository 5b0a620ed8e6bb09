using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace InferenceTemplate.Worker.Execution;

/// <summary>Memory that ONNX Runtime may read in place; grows to the largest batch and is used again for each.</summary>
internal sealed class PinnedBuffer
{
    // One huge batch must not keep its memory for ever.
    private const int Keep = 16 << 20;

    private byte[] _bytes = [];

    public Span<byte> Take(int length)
    {
        if (_bytes.Length < length)
        {
            _bytes = GC.AllocateUninitializedArray<byte>(Math.Max(length, 2 * _bytes.Length), pinned: true);
        }

        return _bytes.AsSpan(0, length);
    }

    /// <summary>What was taken last, and what is behind it.</summary>
    public Memory<byte> Memory => _bytes;

    /// <summary>Gives a very large buffer back to the garbage collector.</summary>
    public void Trim()
    {
        if (_bytes.Length > Keep)
        {
            _bytes = [];
        }
    }

    /// <summary>Stays valid until the next <see cref="Take"/>: the array is pinned for its life.</summary>
    public unsafe nint Address => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_bytes));
}
