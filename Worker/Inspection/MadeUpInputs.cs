using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Preprocessing;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>What ordinary made-up values look like: models accept some and refuse others.</summary>
/// <param name="Extent">Of each dimension that is open, but for the first.</param>
/// <param name="Least">The smallest whole number.</param>
/// <param name="Most">The largest whole number.</param>
/// <param name="Digits">Whether texts are numbers; else words.</param>
/// <param name="Whole">Whether floats are whole numbers too.</param>
internal sealed record InputStyle(int Extent, int Least, int Most, bool Digits, bool Whole)
{
    private static readonly int[] Extents = [8, 3, 1, 5, 16, 32, 64, 224];

    /// <summary>In the order in which they are tried: whole numbers without zero first, since a division by it ends the process.</summary>
    public static IEnumerable<InputStyle> All(ModelSignature signature)
    {
        InputStyle[] values =
        [
            new(0, 1, 100, Digits: false, Whole: false),
            new(0, 1, 100, Digits: true, Whole: false),
            new(0, 1, 8, Digits: true, Whole: true),
            new(0, 1, 1, Digits: true, Whole: true),
            new(0, 0, 1, Digits: true, Whole: true),
            new(0, 0, 0, Digits: true, Whole: true),
        ];
        var open = signature.Inputs.Any(i => i.Shape.Skip(1).Contains(TensorShape.Variable));
        return values.SelectMany(v => (open ? Extents : [1]).Select(extent => v with { Extent = extent }));
    }
}

/// <summary>How all values of a tensor are chosen. Those beyond the first tell rows apart that should not meet.</summary>
internal enum Fill
{
    Ordinary,
    Zeros,
    Ones,
    Largest,
    Smallest,
    Wide,
    Huge,
    Tiny,
    NotANumber,
    Infinite,
    NegativeInfinite,
}

/// <summary>Makes inputs that nobody sent, the same ones for the same seed.</summary>
/// <param name="elements">Of which texts are made, by the input; null where any words will do.</param>
/// <param name="sample">What ordinary values are taken from; null where they are made up too.</param>
/// <param name="empty">Open dimensions that are 0; null for none.</param>
internal sealed class MadeUpInputs(
    ModelSignature signature, InputStyle style, Func<string, MadeUpElements?> elements, SampleRows? sample = null,
    EmptyExtent[]? empty = null)
{
    private static readonly string[] Words = ["red", "green", "blue", "good", "bad", "yes", "no", "one", "two", "the", "and", "house"];

    public int Inputs => signature.Inputs.Length;

    /// <summary>Bytes that so many rows take, as the model gets them: more than fit any integer, with many open dimensions.</summary>
    public double Size(int rows) => signature.Inputs.Select((input, i) =>
        Shape(i, rows).Aggregate(1.0, (elements, extent) => elements * extent) * BytesOf(input)).Sum();

    /// <param name="only">The one input that is filled in that way, the others being ordinary; null for all.</param>
    public Tensor[] Make(int rows, int seed, Fill fill = Fill.Ordinary, int? only = null)
    {
        var random = new Random(seed);
        var first = sample is null ? 0 : random.Next(sample.Count);
        return [.. signature.Inputs.Select((input, i) => (only is null || only == i ? fill : Fill.Ordinary) is var own
            && own == Fill.Ordinary && sample is not null
            ? new Tensor(input.Name, input.Datatype, Shape(i, rows), sample.Make(i, rows, first, random))
            : Make(input, Shape(i, rows), rows, random, own))];
    }

    /// <summary>The ways to fill an input that differ from each other for its type.</summary>
    public static IEnumerable<Fill> FillsFor(Datatype datatype) => datatype switch
    {
        Datatype.Fp16 or Datatype.Bf16 or Datatype.Fp32 or Datatype.Fp64 => [
            Fill.Huge, Fill.NotANumber, Fill.Infinite, Fill.NegativeInfinite, Fill.Largest, Fill.Smallest, Fill.Tiny, Fill.Ones, Fill.Zeros,
        ],
        Datatype.Bytes or Datatype.Bool => [Fill.Wide, Fill.Ones, Fill.Zeros],
        _ => [Fill.Wide, Fill.Largest, Fill.Smallest, Fill.Ones, Fill.Zeros],
    };

    public IEnumerable<Fill> FillsFor(int input) => FillsFor(signature.Inputs[input].Datatype);

    private long[] Shape(int input, int rows) => sample?.Shape(input, rows)
        ?? [.. signature.Inputs[input].Shape.Select((d, i) =>
            d != TensorShape.Variable ? d : IsEmpty(input, i) ? 0 : i == 0 ? rows : style.Extent)];

    private bool IsEmpty(int input, int dimension) =>
        empty is not null && Array.Exists(empty, e => e.Input == signature.Inputs[input].Name && e.Dimension == dimension);

    private Tensor Make(TensorSignature input, long[] shape, int rows, Random random, Fill fill)
    {
        var count = checked((int)TensorShape.ElementCount(shape));
        if (input.Datatype == Datatype.Bytes)
        {
            return new Tensor(input.Name, input.Datatype, shape, Texts(elements(input.Name), count, random, fill));
        }

        var size = input.Datatype.Size();
        var data = new byte[count * size];
        var perRow = Math.Max(1, count / Math.Max(1, rows));
        var magnitude = 1.0;
        for (var i = 0; i < count; i++)
        {
            // Rows of very different magnitude: what is measured over a whole batch then shows in the small ones.
            magnitude = i % perRow == 0 ? Math.Pow(10, (random.NextDouble() * 4) - 2) : magnitude;
            Write(data.AsSpan(i * size, size), input.Datatype, random, fill, magnitude);
        }

        return new Tensor(input.Name, input.Datatype, shape, data);
    }

    private int BytesOf(TensorSignature input) => elements(input.Name)?.Bytes ?? Math.Max(sizeof(uint), input.Datatype.Size());

    private byte[] Texts(MadeUpElements? given, int count, Random random, Fill fill)
    {
        using var texts = new MemoryStream();
        Span<byte> length = stackalloc byte[sizeof(uint)];
        for (var i = 0; i < count; i++)
        {
            var number = random.Next(style.Least, style.Most + 1).ToString(CultureInfo.InvariantCulture);
            var word = Words[random.Next(Words.Length)];
            var text = given is not null ? Chosen(given.Values, random, fill) : Encoding.UTF8.GetBytes(fill switch
            {
                Fill.Zeros => "",
                Fill.Ones => "1",
                Fill.Wide => string.Concat(Enumerable.Repeat(style.Digits ? number : word + " ", 5)),
                _ => style.Digits ? number : word,
            });
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)text.Length);
            texts.Write(length);
            texts.Write(text);
        }

        return texts.ToArray();
    }

    private static byte[] Chosen(IReadOnlyList<byte[]> given, Random random, Fill fill) => given[fill switch
    {
        Fill.Zeros => 0,
        Fill.Ones => 1,
        _ => random.Next(given.Count),
    }];

    private void Write(Span<byte> element, Datatype datatype, Random random, Fill fill, double magnitude)
    {
        var normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        var whole = random.Next(style.Least, style.Most + 1);
        var real = style.Whole ? whole : normal * magnitude;
        switch (datatype)
        {
            case Datatype.Fp16:
                BinaryPrimitives.WriteHalfLittleEndian(element, (Half)Real(fill, real, normal, (double)Half.MaxValue, 1e-6));
                break;
            case Datatype.Bf16:
                var bits = BitConverter.SingleToUInt32Bits((float)Real(fill, real, normal, 3e38, 1e-30));
                BinaryPrimitives.WriteUInt16LittleEndian(element, (ushort)(bits >> 16));
                break;
            case Datatype.Fp32:
                BinaryPrimitives.WriteSingleLittleEndian(element, (float)Real(fill, real, normal, float.MaxValue, 1e-30));
                break;
            case Datatype.Fp64:
                BinaryPrimitives.WriteDoubleLittleEndian(element, Real(fill, real, normal, double.MaxValue, 1e-300));
                break;
            case Datatype.Bool:
                element[0] = (byte)(fill switch { Fill.Zeros => 0, Fill.Ones => 1, _ => random.Next(2) });
                break;
            default:
                Integer(element, datatype is Datatype.Uint8 or Datatype.Uint16 or Datatype.Uint32 or Datatype.Uint64, random, fill, whole);
                break;
        }
    }

    private static double Real(Fill fill, double ordinary, double normal, double largest, double tiny) => fill switch
    {
        Fill.Zeros => 0,
        Fill.Ones => 1,
        Fill.Largest => largest,
        Fill.Smallest => -largest,
        Fill.Huge => Math.Clamp(normal, -3, 3) * Math.Sqrt(largest),
        Fill.Tiny => normal * tiny,
        Fill.NotANumber => double.NaN,
        Fill.Infinite => double.PositiveInfinity,
        Fill.NegativeInfinite => double.NegativeInfinity,
        _ => ordinary,
    };

    // Two's complement: the largest has all bits but the sign, the smallest the sign alone.
    private static void Integer(Span<byte> element, bool unsigned, Random random, Fill fill, int ordinary)
    {
        switch (fill)
        {
            case Fill.Largest:
                element.Fill(0xFF);
                element[^1] = unsigned ? (byte)0xFF : (byte)0x7F;
                break;
            case Fill.Smallest:
                element.Clear();
                element[^1] = unsigned ? (byte)0 : (byte)0x80;
                break;
            case Fill.Wide:
                random.NextBytes(element);
                break;
            default:
                Span<byte> value = stackalloc byte[sizeof(long)];
                BinaryPrimitives.WriteInt64LittleEndian(value, fill switch { Fill.Zeros => 0, Fill.Ones => 1, _ => ordinary });
                value[..element.Length].CopyTo(element);
                break;
        }
    }
}
