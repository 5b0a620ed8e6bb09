using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// One number of JSON text, taken apart: <c>(-1)^Negative * Digits * 10^Exponent</c>. Numbers in a tensor are many and short, so
/// this reads them in one pass over the bytes, eight digits at a time where there are eight.
/// </summary>
internal ref struct NumberText
{
    /// <summary>The most digits that surely fit 64 bits.</summary>
    private const int MaxDigits = 19;

    public ulong Digits;
    public int Exponent;
    public bool Negative;

    /// <summary>Neither a point nor an exponent was given.</summary>
    public bool IsWhole;

    /// <summary><see cref="Digits"/> holds every significant digit; else only the text itself says what the number is.</summary>
    public bool IsExact;

    /// <summary>Reads the number at <paramref name="position"/> and moves behind it.</summary>
    /// <returns>Whether a number of JSON's grammar begins there; where it ends, and by what, is for the caller to judge.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead(ReadOnlySpan<byte> text, ref int position, out NumberText number)
    {
        number = default;
        var at = position;
        if ((uint)at < (uint)text.Length && text[at] == '-')
        {
            number.Negative = true;
            at++;
        }

        var start = at;
        ulong digits = 0;
        uint digit;
        while ((uint)at < (uint)text.Length && (digit = text[at] - (uint)'0') <= 9)
        {
            digits = (digits * 10) + digit;
            at++;
        }

        // No digit, or a zero that leads others, is not JSON.
        var count = at - start;
        if (count == 0 || (count > 1 && text[start] == '0'))
        {
            return false;
        }

        number.IsWhole = true;
        if ((uint)at < (uint)text.Length && text[at] == '.')
        {
            number.IsWhole = false;
            var point = ++at;
            while (text.Length - at >= 8 && TryReadEight(text[at..], out var eight))
            {
                digits = (digits * 100_000_000) + eight;
                at += 8;
            }

            while ((uint)at < (uint)text.Length && (digit = text[at] - (uint)'0') <= 9)
            {
                digits = (digits * 10) + digit;
                at++;
            }

            if (at == point)
            {
                return false;
            }

            number.Exponent = point - at;
            count += at - point;
        }

        number.IsExact = count <= MaxDigits || SignificantDigits(text[start..at]) <= MaxDigits;
        if ((uint)at < (uint)text.Length && (text[at] | 0x20) == 'e' && !TryReadExponent(text, ref at, ref number))
        {
            return false;
        }

        number.Digits = digits;
        position = at;
        return true;
    }

    // Eight ASCII digits at once: neighbours are joined in pairs, fours and eights.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryReadEight(ReadOnlySpan<byte> text, out ulong value)
    {
        value = BinaryPrimitives.ReadUInt64LittleEndian(text);
        if (((value & 0xF0F0F0F0F0F0F0F0) | (((value + 0x0606060606060606) & 0xF0F0F0F0F0F0F0F0) >> 4)) != 0x3333333333333333)
        {
            return false;
        }

        value -= 0x3030303030303030;
        value = (value * 10) + (value >> 8);
        value = (((value & 0x000000FF000000FF) * (100 + (1_000_000UL << 32)))
            + (((value >> 16) & 0x000000FF000000FF) * (1 + (10_000UL << 32)))) >> 32;
        return true;
    }

    private static bool TryReadExponent(ReadOnlySpan<byte> text, ref int at, ref NumberText number)
    {
        number.IsWhole = false;
        at++;
        var negative = false;
        if ((uint)at < (uint)text.Length && text[at] is (byte)'-' or (byte)'+')
        {
            negative = text[at] == '-';
            at++;
        }

        var start = at;
        var exponent = 0;
        while ((uint)at < (uint)text.Length && text[at] - (uint)'0' <= 9)
        {
            // Beyond any datatype's range it no longer matters how far.
            exponent = Math.Min((exponent * 10) + (text[at] - '0'), 100_000);
            at++;
        }

        number.Exponent += negative ? -exponent : exponent;
        return at > start;
    }

    // Zeros before the first other digit say nothing: 0.000123 has three.
    private static int SignificantDigits(ReadOnlySpan<byte> text)
    {
        var significant = text.TrimStart("0."u8);
        return significant.Length - (significant.Contains((byte)'.') ? 1 : 0);
    }
}
