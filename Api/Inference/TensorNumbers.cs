using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// The fast way through a tensor's <c>data</c>: numbers, brackets and commas straight from the text into tensor memory. It knows
/// only what is right; whatever it does not take, <see cref="TensorDataReader"/> reads again and explains.
/// </summary>
internal static class TensorNumbers
{
    /// <summary>Reads an array of numbers, nested at will, which must fill <paramref name="target"/> exactly.</summary>
    /// <param name="json">Begins with the array's bracket.</param>
    /// <param name="maxDepth">How deep arrays may be nested, this one included.</param>
    /// <returns>The length of the array's text; -1 when it is anything but so many numbers of that datatype.</returns>
    public static int Read(ReadOnlySpan<byte> json, Datatype datatype, Span<byte> target, int maxDepth) => datatype switch
    {
        Datatype.Uint8 => Read<byte, Whole<byte>>(json, target, maxDepth),
        Datatype.Uint16 => Read<ushort, Whole<ushort>>(json, target, maxDepth),
        Datatype.Uint32 => Read<uint, Whole<uint>>(json, target, maxDepth),
        Datatype.Uint64 => Read<ulong, Whole<ulong>>(json, target, maxDepth),
        Datatype.Int8 => Read<sbyte, Whole<sbyte>>(json, target, maxDepth),
        Datatype.Int16 => Read<short, Whole<short>>(json, target, maxDepth),
        Datatype.Int32 => Read<int, Whole<int>>(json, target, maxDepth),
        Datatype.Int64 => Read<long, Whole<long>>(json, target, maxDepth),
        Datatype.Fp32 => Read<float, Single>(json, target, maxDepth),
        Datatype.Fp64 => Read<double, Double>(json, target, maxDepth),
        _ => -1,
    };

    private static int Read<T, TElement>(ReadOnlySpan<byte> json, Span<byte> bytes, int maxDepth)
        where T : unmanaged
        where TElement : IElement<T>
    {
        var target = MemoryMarshal.Cast<byte, T>(bytes);
        var at = 1;
        var depth = 1;
        var index = 0;
        var opened = true;
        while (true)
        {
            switch (Next(json, ref at))
            {
                case (byte)'[':
                    at++;
                    opened = true;
                    if (++depth > maxDepth)
                    {
                        return -1;
                    }

                    continue;
                case (byte)']' when opened:
                    break;
                default:
                    if (!ReadRun<T, TElement>(json, ref at, target, ref index))
                    {
                        return -1;
                    }

                    break;
            }

            // Behind a value: close what ends here, until a comma says that more follows.
            while (Next(json, ref at) == ']')
            {
                at++;
                if (--depth == 0)
                {
                    return index == target.Length ? at : -1;
                }
            }

            if ((uint)at >= (uint)json.Length || json[at] != ',')
            {
                return -1;
            }

            at++;
            opened = false;
        }
    }

    // Numbers with nothing but commas between them, which is most of every body. At least one.
    private static bool ReadRun<T, TElement>(ReadOnlySpan<byte> json, ref int position, Span<T> target, ref int index)
        where T : unmanaged
        where TElement : IElement<T>
    {
        var at = position;
        var i = index;
        while (true)
        {
            var start = at;
            if ((uint)i >= (uint)target.Length
                || !NumberText.TryRead(json, ref at, out var number)
                || !TElement.TryConvert(number, json[start..at], out target[i]))
            {
                return false;
            }

            i++;
            if (json.Length - at < 2 || json[at] != ',')
            {
                break;
            }

            // A space after the comma is how Python writes lists.
            var next = json[at + 1] == ' ' && json.Length - at > 2 ? at + 2 : at + 1;
            if (json[next] is not ((byte)'-' or (>= (byte)'0' and <= (byte)'9')))
            {
                break;
            }

            at = next;
        }

        position = at;
        index = i;
        return true;
    }

    // The next character that is not white space, the position moved to it; 0 at the end.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte Next(ReadOnlySpan<byte> json, ref int at)
    {
        while ((uint)at < (uint)json.Length)
        {
            if (json[at] is not ((byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t'))
            {
                return json[at];
            }

            at++;
        }

        return 0;
    }

    private interface IElement<T>
    {
        static abstract bool TryConvert(in NumberText number, ReadOnlySpan<byte> text, out T value);
    }

    private readonly struct Single : IElement<float>
    {
        public static bool TryConvert(in NumberText number, ReadOnlySpan<byte> text, out float value) =>
            FloatingPoint.TryToSingle(number, text, out value);
    }

    private readonly struct Double : IElement<double>
    {
        public static bool TryConvert(in NumberText number, ReadOnlySpan<byte> text, out double value) =>
            FloatingPoint.TryToDouble(number, text, out value);
    }

    private readonly struct Whole<T> : IElement<T>
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        public static bool TryConvert(in NumberText number, ReadOnlySpan<byte> text, out T value)
        {
            value = T.CreateTruncating(number.Negative ? 0 - number.Digits : number.Digits);
            return number is { IsWhole: true, IsExact: true }
                && (number.Negative
                    ? T.IsNegative(value) && ulong.CreateTruncating(value) == 0 - number.Digits
                    : !T.IsNegative(value) && ulong.CreateTruncating(value) == number.Digits);
        }
    }
}
