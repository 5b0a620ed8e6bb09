namespace Microsoft.ML.OnnxRuntime;

/// <summary>IEEE 754 binary16 as a tensor element; arithmetic goes by way of <see cref="float"/>.</summary>
public readonly struct Float16(ushort v)
{
    /// <summary>The bits.</summary>
    public readonly ushort value = v;

    /// <summary>Rounds to the nearest, ties to even.</summary>
    public static explicit operator Float16(float value) => new(BitConverter.HalfToUInt16Bits((Half)value));

    public static explicit operator float(Float16 value) => value.ToFloat();

    public float ToFloat() => (float)BitConverter.UInt16BitsToHalf(value);

    public override string ToString() => ToFloat().ToString();
}

/// <summary>The upper half of a binary32 as a tensor element; arithmetic goes by way of <see cref="float"/>.</summary>
public readonly struct BFloat16(ushort v)
{
    /// <summary>The bits.</summary>
    public readonly ushort value = v;

    /// <summary>Rounds to the nearest, ties to even.</summary>
    public static explicit operator BFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? new((ushort)((bits >> 16) | 0x40)) // Stays NaN even if its payload was in the lower half.
            : new((ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16));
    }

    public static explicit operator float(BFloat16 value) => value.ToFloat();

    public float ToFloat() => BitConverter.UInt32BitsToSingle((uint)value << 16);

    public override string ToString() => ToFloat().ToString();
}
