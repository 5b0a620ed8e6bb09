using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Inference;

/// <summary>Writes a tensor's numbers as JSON, commas between them: many to one span, without a call to a JSON writer for each.</summary>
internal static class NumberWriter
{
    /// <summary>The longest number is a double's: -2.2250738585072014E-308, and its comma.</summary>
    private const int MaxLength = 32;

    /// <exception cref="NotSupportedException">The datatype has no form as JSON numbers.</exception>
    public static void Write(IBufferWriter<byte> target, Datatype datatype, ReadOnlySpan<byte> data)
    {
        switch (datatype)
        {
            case Datatype.Uint8:
                Write<byte>(target, data);
                break;
            case Datatype.Int8:
                Write<sbyte>(target, data);
                break;
            case Datatype.Uint16:
                Write<ushort>(target, data);
                break;
            case Datatype.Int16:
                Write<short>(target, data);
                break;
            case Datatype.Uint32:
                Write<uint>(target, data);
                break;
            case Datatype.Int32:
                Write<int>(target, data);
                break;
            case Datatype.Uint64:
                Write<ulong>(target, data);
                break;
            case Datatype.Int64:
                Write<long>(target, data);
                break;
            case Datatype.Fp32:
                Write<float>(target, data);
                break;
            case Datatype.Fp64:
                Write<double>(target, data);
                break;
            default:
                throw new NotSupportedException($"{datatype.Name()} can't be written as JSON.");
        }
    }

    private static void Write<T>(IBufferWriter<byte> target, ReadOnlySpan<byte> data)
        where T : unmanaged, INumber<T>
    {
        // Elements of a slice of a message need not be aligned; every processor that .NET runs on reads them all the same.
        var values = MemoryMarshal.Cast<byte, T>(data);
        for (var i = 0; i < values.Length;)
        {
            var span = target.GetSpan(MaxLength);
            var written = 0;
            for (; i < values.Length && span.Length - written >= MaxLength; i++)
            {
                if (i > 0)
                {
                    span[written++] = (byte)',';
                }

                written += Format(values[i], span[written..]);
            }

            target.Advance(written);
        }
    }

    private static int Format<T>(T value, Span<byte> target)
        where T : unmanaged, INumber<T>
    {
        // JSON has no NaN and no infinity.
        if (!T.IsFinite(value))
        {
            "null"u8.CopyTo(target);
            return 4;
        }

        // A float is written as such, the shortest text that reads back as it: as a double it would grow digits that it does not have.
        value.TryFormat(target, out var written, default, CultureInfo.InvariantCulture);
        return written;
    }
}
