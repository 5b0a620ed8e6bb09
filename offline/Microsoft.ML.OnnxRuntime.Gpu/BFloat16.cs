namespace Microsoft.ML.OnnxRuntime;

/// <summary>The upper half of a binary32 as a tensor element; arithmetic goes by way of <see cref="float"/>.</summary>
public readonly struct BFloat16(ushort v) : IComparable, IComparable<BFloat16>, IEquatable<BFloat16>
{
    /// <summary>The bits.</summary>
    public readonly ushort value = v;

    public static BFloat16 Zero => new(0x0000);
    public static BFloat16 NegativeZero => new(0x8000);
    public static BFloat16 One => new(0x3F80);
    public static BFloat16 MaxValue => new(0x7F7F);
    public static BFloat16 MinValue => new(0xFF7F);
    public static BFloat16 PositiveInfinity => new(0x7F80);
    public static BFloat16 NegativeInfinity => new(0xFF80);
    public static BFloat16 NaN => new(0xFFC0);

    /// <summary>Rounds to the nearest, ties to even.</summary>
    public static explicit operator BFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? new((ushort)((bits >> 16) | 0x40)) // Stays NaN even if its payload was in the lower half.
            : new((ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16));
    }

    public static explicit operator float(BFloat16 value) => value.ToFloat();

    /// <summary>As for <see cref="float"/>: NaN equals nothing, and both zeros are equal.</summary>
    public static bool operator ==(BFloat16 left, BFloat16 right) => left.ToFloat() == right.ToFloat();

    public static bool operator !=(BFloat16 left, BFloat16 right) => !(left == right);

    public static bool operator <(BFloat16 left, BFloat16 right) => left.ToFloat() < right.ToFloat();

    public static bool operator <=(BFloat16 left, BFloat16 right) => left.ToFloat() <= right.ToFloat();

    public static bool operator >(BFloat16 left, BFloat16 right) => left.ToFloat() > right.ToFloat();

    public static bool operator >=(BFloat16 left, BFloat16 right) => left.ToFloat() >= right.ToFloat();

    public static bool IsNaN(BFloat16 value) => float.IsNaN(value.ToFloat());

    public static bool IsFinite(BFloat16 value) => float.IsFinite(value.ToFloat());

    public static bool IsInfinity(BFloat16 value) => float.IsInfinity(value.ToFloat());

    public static bool IsPositiveInfinity(BFloat16 value) => float.IsPositiveInfinity(value.ToFloat());

    public static bool IsNegativeInfinity(BFloat16 value) => float.IsNegativeInfinity(value.ToFloat());

    public static bool IsNegative(BFloat16 value) => (value.value & 0x8000) != 0;

    /// <summary>The same with the other sign.</summary>
    public static BFloat16 Negate(BFloat16 value) => IsNaN(value) ? value : new((ushort)(value.value ^ 0x8000));

    public float ToFloat() => BitConverter.UInt32BitsToSingle((uint)value << 16);

    public int CompareTo(BFloat16 other) => ToFloat().CompareTo(other.ToFloat());

    public int CompareTo(object? obj) => obj switch
    {
        null => 1,
        BFloat16 other => CompareTo(other),
        _ => throw new ArgumentException("Object must be of type BFloat16", nameof(obj)),
    };

    /// <summary>As for <see cref="float"/>: NaN equals NaN, so that it can be found.</summary>
    public bool Equals(BFloat16 other) => ToFloat().Equals(other.ToFloat());

    public override bool Equals(object? obj) => obj is BFloat16 other && Equals(other);

    public override int GetHashCode() => ToFloat().GetHashCode();

    public override string ToString() => ToFloat().ToString();
}
