using System.Buffers.Binary;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>One output of a run on made-up inputs, copied out of the runtime.</summary>
internal sealed class ProbeOutput
{
    private readonly byte[] _data;
    private readonly long[]? _starts;

    public ProbeOutput(TensorSignature declared, OrtValue value)
    {
        (Name, Datatype) = (declared.Name, declared.Datatype);
        Shape = value.GetTensorTypeAndShape().Shape;
        _starts = Datatype == Datatype.Bytes ? TextTensor.Starts(value) : null;
        if (_starts is null && TensorShape.ElementCount(Shape) * Datatype.Size() is > int.MaxValue and var bytes)
        {
            throw new OversizedBatchException($"Output '{Name}' has {bytes} bytes.");
        }

        _data = _starts is null ? value.GetTensorMutableRawData().ToArray() : TextTensor.Read(value, _starts, 0, _starts.Length - 1);
    }

    public string Name { get; }

    public Datatype Datatype { get; }

    public long[] Shape { get; }

    public int Bytes => _data.Length;

    public bool IsFloat => Datatype is Datatype.Fp16 or Datatype.Bf16 or Datatype.Fp32 or Datatype.Fp64;

    /// <summary>Elements of a row; the shape has a first dimension.</summary>
    private int PerRow => checked((int)TensorShape.ElementCount(Shape.AsSpan(1)));

    /// <summary>How far a float may be from that of another batch size, as a part of the largest number of its row.</summary>
    private double Tolerance => Datatype switch
    {
        Datatype.Fp64 => 1e-9,
        Datatype.Fp32 => 1e-4,
        Datatype.Fp16 => 1e-2,
        _ => 5e-2,
    };

    public ReadOnlySpan<byte> Rows(int first, int count)
    {
        var (from, to) = (first * PerRow, (first + count) * PerRow);
        return _starts is null
            ? _data.AsSpan((from * Datatype.Size())..(to * Datatype.Size()))
            : _data.AsSpan((int)_starts[from]..(int)_starts[to]);
    }

    /// <summary>
    /// Whether rows are those of another output: bit for bit, or for floats within a part of the largest number of the row.
    /// </summary>
    public bool IsClose(int first, int count, ProbeOutput other, int otherFirst)
    {
        if (Rows(first, count).SequenceEqual(other.Rows(otherFirst, count)))
        {
            return true;
        }

        if (!IsFloat)
        {
            return false;
        }

        for (var row = 0; row < count; row++)
        {
            var (mine, theirs) = (Numbers(first + row), other.Numbers(otherFirst + row));
            var allowed = Tolerance * mine.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max();
            if (mine.Zip(theirs).Any(p => !p.First.Equals(p.Second) && !(Math.Abs(p.First - p.Second) <= allowed)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether two rows differ in numbers that are finite, or in whatever else they hold.</summary>
    public bool Differs(int row, ProbeOutput other, int otherRow) => IsFloat
        ? Numbers(row).Zip(other.Numbers(otherRow)).Any(p => double.IsFinite(p.First) && double.IsFinite(p.Second) && p.First != p.Second)
        : !Rows(row, 1).SequenceEqual(other.Rows(otherRow, 1));

    private double[] Numbers(int row)
    {
        var bytes = Rows(row, 1);
        var size = Datatype.Size();
        var numbers = new double[bytes.Length / size];
        for (var i = 0; i < numbers.Length; i++)
        {
            var element = bytes.Slice(i * size, size);
            numbers[i] = Datatype switch
            {
                Datatype.Fp16 => (double)BinaryPrimitives.ReadHalfLittleEndian(element),
                Datatype.Bf16 => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(element) << 16),
                Datatype.Fp32 => BinaryPrimitives.ReadSingleLittleEndian(element),
                _ => BinaryPrimitives.ReadDoubleLittleEndian(element),
            };
        }

        return numbers;
    }
}
