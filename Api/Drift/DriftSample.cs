using System.Buffers.Binary;
using System.Globalization;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Drift;

/// <summary>What a tensor's values are taken for, as it is kept and told.</summary>
internal static class DriftKinds
{
    public const string Numbers = "numbers";

    /// <summary>Whole numbers and booleans of outputs: which one, not how large.</summary>
    public const string Categories = "categories";

    /// <summary>The index of the largest of a row's elements.</summary>
    public const string Class = "class";

    public static bool IsCategorical(string kind) => kind != Numbers;
}

/// <param name="Values">Up to <see cref="DriftSample.MaxValues"/>; none of an empty tensor.</param>
internal sealed record SampledTensor(string Name, bool IsOutput, string Kind, double[] Values);

/// <summary>A few values of each numeric tensor of a request, drawn anew for each.</summary>
internal sealed record DriftSample(string Model, string Version, string Role, IReadOnlyList<SampledTensor> Tensors)
{
    /// <summary>Of one tensor of a request, and rows of it whose class is taken.</summary>
    public const int MaxValues = 32;

    /// <summary>Of a request's inputs, and of its outputs; the others are not looked at.</summary>
    public const int MaxTensors = 8;

    /// <summary>Categories are told apart up to so many; beyond, those that are equal modulo it are one.</summary>
    public const int Categories = 64;

    // A row of more elements is an embedding rather than the likelihoods of classes, unless the classes have names.
    private const int MaxClasses = 128;
    private const int MaxNamedClasses = 1_000;
    private const int MaxName = 256;

    public static DriftSample Of(ModelVersion version, string role, Tensor[] inputs, Tensor[] outputs, Random random) => new(
        version.Model,
        version.Version,
        role,
        [
            .. inputs.Where(IsNumeric).Take(MaxTensors)
                .Select(i => new SampledTensor(i.Name, IsOutput: false, DriftKinds.Numbers, Draw(i, random))),
            .. outputs.Where(IsNumeric).Take(MaxTensors).SelectMany(o => OfOutput(version, o, random)),
        ]);

    private static bool IsNumeric(Tensor tensor) =>
        tensor.Datatype != Datatype.Bytes && tensor.Name.Length <= MaxName && !tensor.Name.Contains('\0', StringComparison.Ordinal);

    private static IEnumerable<SampledTensor> OfOutput(ModelVersion version, Tensor output, Random random)
    {
        if (output.Datatype is not (Datatype.Fp16 or Datatype.Fp32 or Datatype.Fp64 or Datatype.Bf16))
        {
            var values = Draw(output, random);
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = ((values[i] % Categories) + Categories) % Categories;
            }

            yield return new(output.Name, IsOutput: true, DriftKinds.Categories, values);
            yield break;
        }

        yield return new(output.Name, IsOutput: true, DriftKinds.Numbers, Draw(output, random));
        if (output.Shape is [_, >= 2 and <= MaxNamedClasses and var classes]
            && (classes <= MaxClasses || version.Metadata.Properties.Keys.Any(ClassLabels.IsProperty)))
        {
            yield return new(output.Name, IsOutput: true, DriftKinds.Class, Classes(output, (int)classes, random));
        }
    }

    // One of each part of equal length: all of a tensor is looked at, and no pattern in it can hide between the places.
    private static double[] Draw(Tensor tensor, Random random)
    {
        var elements = tensor.Data.Length / tensor.Datatype.Size();
        var values = new double[Math.Min(MaxValues, elements)];
        for (var i = 0; i < values.Length; i++)
        {
            var (from, to) = ((int)((long)elements * i / values.Length), (int)((long)elements * (i + 1) / values.Length));
            values[i] = Read(tensor.Datatype, tensor.Data.Span, random.Next(from, to));
        }

        return values;
    }

    private static double[] Classes(Tensor tensor, int classes, Random random)
    {
        var rows = tensor.Data.Length / tensor.Datatype.Size() / classes;
        var values = new double[Math.Min(MaxValues, rows)];
        for (var i = 0; i < values.Length; i++)
        {
            var row = random.Next((int)((long)rows * i / values.Length), (int)((long)rows * (i + 1) / values.Length));
            var (largest, at) = (double.NaN, double.NaN);
            for (var column = 0; column < classes; column++)
            {
                var value = Read(tensor.Datatype, tensor.Data.Span, (row * classes) + column);
                if (value > largest || (double.IsNaN(largest) && !double.IsNaN(value)))
                {
                    (largest, at) = (value, column % Categories);
                }
            }

            // Of a row without a number there is no class: NaN.
            values[i] = at;
        }

        return values;
    }

    private static double Read(Datatype datatype, ReadOnlySpan<byte> data, int index)
    {
        var element = data[(index * datatype.Size())..];
        return datatype switch
        {
            Datatype.Bool or Datatype.Uint8 => element[0],
            Datatype.Int8 => (sbyte)element[0],
            Datatype.Uint16 => BinaryPrimitives.ReadUInt16LittleEndian(element),
            Datatype.Int16 => BinaryPrimitives.ReadInt16LittleEndian(element),
            Datatype.Uint32 => BinaryPrimitives.ReadUInt32LittleEndian(element),
            Datatype.Int32 => BinaryPrimitives.ReadInt32LittleEndian(element),
            Datatype.Uint64 => BinaryPrimitives.ReadUInt64LittleEndian(element),
            Datatype.Int64 => BinaryPrimitives.ReadInt64LittleEndian(element),
            Datatype.Fp16 => (double)BinaryPrimitives.ReadHalfLittleEndian(element),
            Datatype.Bf16 => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(element) << 16),
            Datatype.Fp32 => BinaryPrimitives.ReadSingleLittleEndian(element),
            Datatype.Fp64 => BinaryPrimitives.ReadDoubleLittleEndian(element),
            _ => throw new NotSupportedException(string.Create(CultureInfo.InvariantCulture, $"{datatype} has no numbers.")),
        };
    }
}
