using System.Buffers;
using System.Buffers.Binary;
using InferenceTemplate.Core.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Execution;

/// <summary>
/// Brings one input of a batch into the form that ONNX Runtime reads: a request that runs alone is read where it was
/// received, several are copied once, one after the other.
/// </summary>
internal sealed class BatchInput(TensorSignature declared)
{
    private readonly PinnedBuffer _buffer = new();
    private MemoryHandle _received;
    private nint _address;
    private int _length;

    /// <param name="batch">The inputs of each request.</param>
    /// <param name="index">Which of them this is.</param>
    /// <returns>Valid until <see cref="Release"/>.</returns>
    public OrtValue Assemble(IReadOnlyList<Tensor[]> batch, int index)
    {
        var shape = Shape(batch, index, out var ragged);
        if (declared.Datatype == Datatype.Bytes)
        {
            return Texts(batch, index, shape);
        }

        if (batch.Count == 1 && TryRead(batch[0][index], shape) is { } inPlace)
        {
            return inPlace;
        }

        var length = checked((int)(TensorShape.ElementCount(shape) * declared.Datatype.Size()));
        var target = _buffer.Take(length);
        if (ragged)
        {
            target.Clear();
        }

        foreach (var request in batch)
        {
            var input = request[index];
            if (ragged)
            {
                Padding.Copy(input.Data.Span, input.Shape, declared.Datatype.Size(), target, shape);
                target = target[Padding.RowBytes(shape, declared.Datatype.Size(), input.Shape[0])..];
            }
            else
            {
                input.Data.Span.CopyTo(target);
                target = target[input.Data.Length..];
            }
        }

        return Over(_buffer.Address, shape, length);
    }

    /// <summary>Whether the value that was assembled last lies over some of this memory.</summary>
    public unsafe bool Overlaps(ReadOnlySpan<byte> memory) => memory.Overlaps(new ReadOnlySpan<byte>((void*)_address, _length));

    /// <summary>Gives memory back that only the last run needed.</summary>
    public void Release()
    {
        (_address, _length) = (0, 0);
        _received.Dispose();
        _received = default;
        _buffer.Trim();
    }

    private static long[] Shape(IReadOnlyList<Tensor[]> batch, int index, out bool ragged)
    {
        ragged = false;
        long[] shape = [.. batch[0][index].Shape];
        for (var i = 1; i < batch.Count; i++)
        {
            var next = batch[i][index].Shape;
            shape[0] += next[0];
            for (var d = 1; d < shape.Length; d++)
            {
                ragged |= shape[d] != next[d];
                shape[d] = Math.Max(shape[d], next[d]);
            }
        }

        return shape;
    }

    // A message lays its tensors wherever they fall; operators may rely on elements being aligned to their size.
    private unsafe OrtValue? TryRead(Tensor input, long[] shape)
    {
        var pin = input.Data.Pin();
        if ((nuint)pin.Pointer % (nuint)declared.Datatype.Size() != 0)
        {
            pin.Dispose();
            return null;
        }

        _received = pin;
        return Over((nint)pin.Pointer, shape, input.Data.Length);
    }

    private OrtValue Over(nint address, long[] shape, int length)
    {
        (_address, _length) = (address, length);
        return OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, ElementTypes.ToElementType(declared.Datatype), shape, address, length);
    }

    // Texts have no memory to lie over: each is copied into the runtime's own. A padded one stays empty.
    private static OrtValue Texts(IReadOnlyList<Tensor[]> batch, int index, long[] shape)
    {
        var value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, shape);
        try
        {
            var first = 0L;
            foreach (var request in batch)
            {
                var input = request[index];
                var rest = input.Data.Span;
                foreach (var position in Padding.Positions(input.Shape, shape))
                {
                    var length = BinaryPrimitives.ReadUInt32LittleEndian(rest);
                    value.StringTensorSetElementAt(rest.Slice(sizeof(uint), checked((int)length)), checked((int)(first + position)));
                    rest = rest[(sizeof(uint) + (int)length)..];
                }

                first += input.Shape.Length == 0 ? 1 : input.Shape[0] * TensorShape.ElementCount(shape.AsSpan(1));
            }

            return value;
        }
        catch (Exception exception)
        {
            value.Dispose();
            throw exception is ArgumentException or OverflowException
                ? new InvalidDataException("The texts are not each a length and that many bytes.", exception)
                : exception;
        }
    }
}
