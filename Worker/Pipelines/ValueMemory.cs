using System.Buffers;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Pipelines;

/// <summary>
/// The elements of a value where ONNX Runtime has them, so that the next step reads them there; valid as long as the value is.
/// </summary>
internal sealed unsafe class ValueMemory : MemoryManager<byte>
{
    private readonly byte* _start;
    private readonly int _length;

    public ValueMemory(OrtValue value)
    {
        var data = value.GetTensorMutableRawData();
        fixed (byte* start = data)
        {
            // It is not the collector's, and does not move.
            _start = start;
        }

        _length = data.Length;
    }

    public override Span<byte> GetSpan() => new(_start, _length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
