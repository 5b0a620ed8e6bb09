using System.Globalization;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// Correctly rounded floating point from decimal digits. The usual number needs one multiplication or division (after W. D.
/// Clinger, "How to read floating point numbers accurately", 1990); the few for which that might round wrongly go to the framework.
/// </summary>
internal static class FloatingPoint
{
    /// <summary>Up to here whole numbers are exact in 24 bits, and powers of ten up to the tenth are.</summary>
    private const ulong ExactInSingle = 1UL << 24;

    /// <summary>Up to here whole numbers are exact in 53 bits, and powers of ten up to the 22nd are.</summary>
    private const ulong ExactInDouble = 1UL << 53;

    private const double SmallestNormalSingle = 1.1754943508222875e-38;

    private static readonly float[] SinglePowers = [1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f, 1e6f, 1e7f, 1e8f, 1e9f, 1e10f];

    private static readonly double[] DoublePowers =
    [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
        1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29, 1e30, 1e31, 1e32, 1e33, 1e34, 1e35, 1e36, 1e37, 1e38, 1e39, 1e40, 1e41, 1e42, 1e43, 1e44,
        1e45, 1e46, 1e47, 1e48, 1e49, 1e50, 1e51, 1e52, 1e53, 1e54, 1e55, 1e56, 1e57, 1e58, 1e59, 1e60,
    ];

    /// <param name="text">The number's text.</param>
    /// <returns>Whether the number is within the datatype's range.</returns>
    public static bool TryToSingle(in NumberText number, ReadOnlySpan<byte> text, out float value)
    {
        var exponent = number.Exponent;
        var size = (uint)Math.Abs(exponent);
        if (number.IsExact && number.Digits <= ExactInSingle && size < (uint)SinglePowers.Length)
        {
            // Both operands are exact, so the one operation rounds once.
            value = (int)number.Digits;
            value = exponent < 0 ? value / SinglePowers[size] : value * SinglePowers[size];
            value = number.Negative ? -value : value;
            return true;
        }

        if (number.IsExact && number.Digits <= long.MaxValue && size < (uint)DoublePowers.Length)
        {
            double wide = (long)number.Digits;
            wide = exponent < 0 ? wide / DoublePowers[size] : wide * DoublePowers[size];

            // Three roundings, each by at most half of a double's last place. Unless that place decides between two floats,
            // because what a float drops is all but one half of its own last place, the float is the nearest to the number itself.
            var dropped = (uint)BitConverter.DoubleToUInt64Bits(wide) & 0x1FFF_FFFF;
            if (dropped - (0x1000_0000 - 4) > 8 && wide is >= SmallestNormalSingle and <= float.MaxValue)
            {
                value = (float)(number.Negative ? -wide : wide);
                return true;
            }
        }

        return float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && float.IsFinite(value);
    }

    /// <inheritdoc cref="TryToSingle"/>
    public static bool TryToDouble(in NumberText number, ReadOnlySpan<byte> text, out double value)
    {
        var size = (uint)Math.Abs(number.Exponent);
        if (number.IsExact && number.Digits <= ExactInDouble && size <= 22)
        {
            value = (long)number.Digits;
            value = number.Exponent < 0 ? value / DoublePowers[size] : value * DoublePowers[size];
            value = number.Negative ? -value : value;
            return true;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
    }
}
