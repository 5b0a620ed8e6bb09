using System.Buffers.Binary;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>The rows of a version's sample request, of which ordinary inputs are made.</summary>
internal sealed class SampleRows
{
    private readonly Tensor[] _inputs;
    private readonly int[][] _starts;
    private readonly bool _varied;

    /// <param name="sample">Its inputs in the order of the signature; optional ones behind them are left out: they share no runs.</param>
    /// <param name="varied">
    /// Whether floats are made larger or smaller, so that one row makes many; else each row is one of the sample's.
    /// </param>
    /// <exception cref="NotProvenException">The inputs do not have as many rows each.</exception>
    public SampleRows(ModelSignature signature, Tensor[] sample, bool varied)
    {
        _inputs = sample[..signature.Inputs.Length];
        _varied = varied;
        Count = _inputs[0].Shape is [> 0 and var rows, ..] && Array.TrueForAll(_inputs, i => i.Shape is [var own, ..] && own == rows)
            ? checked((int)rows)
            : throw new NotProvenException("the inputs of its sample request do not have the same number of rows each");
        _starts = [.. _inputs.Select(Starts)];
    }

    public int Count { get; }

    public static bool CanVary(ModelSignature signature) => signature.Inputs.Any(i => IsFloat(i.Datatype));

    public long[] Shape(int input, int rows) => [rows, .. _inputs[input].Shape.AsSpan(1)];

    /// <param name="first">The row of the sample that comes first.</param>
    public byte[] Make(int input, int rows, int first, Random random)
    {
        var (given, starts) = (_inputs[input], _starts[input]);
        using var made = new MemoryStream();
        for (var i = 0; i < rows; i++)
        {
            var row = (first + i) % Count;
            made.Write(given.Data.Span[starts[row]..starts[row + 1]]);
        }

        var data = made.ToArray();
        if (_varied && IsFloat(given.Datatype))
        {
            for (var at = 0; at < data.Length; at += given.Datatype.Size())
            {
                Scale(data.AsSpan(at), given.Datatype, 0.5 + random.NextDouble());
            }
        }

        return data;
    }

    private static bool IsFloat(Datatype datatype) => datatype is Datatype.Fp16 or Datatype.Bf16 or Datatype.Fp32 or Datatype.Fp64;

    // Where each row begins in the data, and where the last one ends.
    private int[] Starts(Tensor input)
    {
        var perRow = checked((int)TensorShape.ElementCount(input.Shape.AsSpan(1)));
        if (input.Datatype != Datatype.Bytes)
        {
            return [.. Enumerable.Range(0, Count + 1).Select(row => row * perRow * input.Datatype.Size())];
        }

        var (starts, at) = (new int[Count + 1], 0);
        for (var row = 0; row < Count; row++)
        {
            starts[row] = at;
            for (var element = 0; element < perRow; element++)
            {
                at += sizeof(uint) + checked((int)BinaryPrimitives.ReadUInt32LittleEndian(input.Data.Span[at..]));
            }
        }

        starts[Count] = at;
        return starts;
    }

    private static void Scale(Span<byte> element, Datatype datatype, double factor)
    {
        switch (datatype)
        {
            case Datatype.Fp16:
                BinaryPrimitives.WriteHalfLittleEndian(element, (Half)((double)BinaryPrimitives.ReadHalfLittleEndian(element) * factor));
                break;
            case Datatype.Bf16:
                var single = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(element) << 16);
                var scaled = BitConverter.SingleToUInt32Bits((float)(single * factor)) >> 16;
                BinaryPrimitives.WriteUInt16LittleEndian(element, (ushort)scaled);
                break;
            case Datatype.Fp32:
                BinaryPrimitives.WriteSingleLittleEndian(element, (float)(BinaryPrimitives.ReadSingleLittleEndian(element) * factor));
                break;
            default:
                BinaryPrimitives.WriteDoubleLittleEndian(element, BinaryPrimitives.ReadDoubleLittleEndian(element) * factor);
                break;
        }
    }
}
